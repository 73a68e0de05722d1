// Notifications while the page is closed: a subscription of this browser, told to the server. No DOM.

const WORKER = "/worker.js";

/** States: unavailable (here or on the server) · off · on · denied. */
export class Push {
  #api;
  #device;
  #key = null;

  constructor({ api, device }) {
    this.#api = api;
    this.#device = device;
  }

  async state() {
    if (!globalThis.PushManager || !navigator.serviceWorker) return "unavailable";
    this.#key ??= await this.#register().catch(() => null);
    if (!this.#key) return "unavailable";
    if (Notification.permission === "denied") return "denied";
    const worker = await navigator.serviceWorker.getRegistration(WORKER);
    return (await worker?.pushManager.getSubscription()) ? "on" : "off";
  }

  /** Asks the person. Raises when the browser or its push service will not. */
  async turnOn() {
    if ((await Notification.requestPermission()) !== "granted") throw new Error("Notifications are not allowed here.");
    await navigator.serviceWorker.register(WORKER);
    const { pushManager } = await navigator.serviceWorker.ready;
    const subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: this.#key });
    const { endpoint, keys } = subscription.toJSON();
    await this.#register({ webPush: { endpoint, keys } });
  }

  /** What was notified is before one's eyes now. */
  async clear() {
    const worker = await navigator.serviceWorker?.getRegistration(WORKER);
    for (const notification of (await worker?.getNotifications()) ?? []) notification.close();
  }

  async turnOff() {
    const worker = await navigator.serviceWorker.getRegistration(WORKER);
    await (await worker?.pushManager.getSubscription())?.unsubscribe();
    await this.#register({ webPush: null });
  }

  /** The server's key, or undefined when it notifies nobody. */
  async #register(more = {}) {
    const known = await this.#api.registerDevice(this.#device, { platform: "web", language: navigator.language, ...more });
    return known.applicationServerKey;
  }
}
