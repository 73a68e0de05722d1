// Files that wait to be sent, kept by the browser (IndexedDB), so that a reload loses none. No DOM.

const NAME = "coachwire.files";
const KEPT = 86_400_000; // ms for which a file is kept that nothing seems to want

/** By the id under which an outbox names it: `{id, file, keptAt}`. Raises when the browser keeps nothing. */
export class Files {
  #opening = null;

  async put(id, file) {
    await this.#do("readwrite", (store) => store.put({ id, file, keptAt: Date.now() }));
  }

  /** Null when it is not there any more. */
  async get(id) {
    const kept = await this.#do("readonly", (store) => store.get(id));
    return kept?.file ?? null;
  }

  async remove(id) {
    await this.#do("readwrite", (store) => store.delete(id));
  }

  /** What tabs that are gone have left behind, unless it `isWanted(id)`. */
  async clean(isWanted) {
    const all = await this.#do("readonly", (store) => store.getAll());
    for (const { id, keptAt } of all) if (keptAt < Date.now() - KEPT && !isWanted(id)) await this.remove(id);
  }

  async #do(mode, act) {
    const database = await this.#open();
    return promised(act(database.transaction(NAME, mode).objectStore(NAME)));
  }

  #open() {
    this.#opening ??= (() => {
      const request = indexedDB.open(NAME, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(NAME, { keyPath: "id" });
      return promised(request);
    })();
    return this.#opening;
  }
}

function promised(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
