// Who is online, of those whom the list shows: asked for once, and told of what changes. No DOM.

const MOST = 200; // the server watches no more for a connection

/** `ask(request)` sends, and the answer comes by `answered`. Only one organization is watched at a time. */
export class Online {
  #keys = new Set(); // of conversations
  #asked = null; // what was asked for last, as text
  #ask;
  #changed;

  constructor({ ask, changed = () => {} }) {
    this.#ask = ask;
    this.#changed = changed;
  }

  has(key) {
    return this.#keys.has(key);
  }

  /** Watch the first of these conversations, all of one organization. The same ones again cost nothing. */
  watch(conversations) {
    const watched = conversations.slice(0, MOST);
    const membershipIds = watched.map(({ membershipId }) => membershipId).sort();
    const asked = JSON.stringify([watched[0]?.organizationId, membershipIds]);
    if (!watched.length || asked === this.#asked) return;
    this.#asked = asked;
    const request = { type: "presence.watch", organizationId: watched[0].organizationId, membershipIds };
    this.#ask(request).catch(() => {
      if (this.#asked === asked) this.#asked = null; // asked again with the next look
    });
  }

  /** The answer, as its frame comes: what is told after it is newer. */
  answered(keys) {
    this.#keys = new Set(keys);
    this.#changed();
  }

  note(key, online) {
    if (online) this.#keys.add(key);
    else this.#keys.delete(key);
    this.#changed();
  }

  /** Another connection watches nobody yet. */
  forget() {
    this.#asked = null;
    this.#keys.clear();
  }
}
