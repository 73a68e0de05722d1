// The page: who one is, the session behind it, and the panes that show it.

import { Api, people, Problem } from "./api.js";
import { Definitions } from "./definitions.js";
import { Directory } from "./directory.js";
import { claimDevice, draftsName, orphans, outboxName, valuesName } from "./device.js";
import { Drafts } from "./drafts.js";
import { Files } from "./files.js";
import { uuid7 } from "./ids.js";
import { placeOf } from "./keys.js";
import { Outbox } from "./outbox.js";
import { Push } from "./push.js";
import { parseRoute } from "./route.js";
import { Session } from "./session.js";
import { Sets } from "./sets.js";
import { Uploads } from "./uploads.js";
import { App } from "./view/app.js";
import { showNotice, showPicker } from "./view/picker.js";

const AGAIN = 3_000; // ms

const root = document.getElementById("app");

async function begin() {
  const { as } = parseRoute(location.hash);
  addEventListener("hashchange", () => {
    if (parseRoute(location.hash).as !== as) location.reload(); // another person: nothing of this one remains
  });
  try {
    const everybody = await people();
    const rows = everybody.filter((person) => person.email === as);
    if (rows.length) await be(as, rows);
    else showPicker(root, everybody, as);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.final) {
      showNotice(root, "Nobody to be", "The demo people are here when the server was started with: coachwire dev");
    } else {
      showNotice(root, "The server is away", "This page goes on as soon as it answers.");
      setTimeout(() => location.reload(), AGAIN);
    }
  }
}

async function be(email, rows) {
  const device = await claimDevice(email);
  let app = null;
  const changed = coalesced(() => app?.render());
  const outbox = new Outbox(localStorage, outboxName(email, device), changed);
  const values = new Outbox(localStorage, valuesName(email, device), changed);
  const drafts = new Drafts(localStorage, draftsName(email, device));
  const api = new Api(email);
  const kept = new Files();
  const uploads = new Uploads({
    api,
    kept,
    on: {
      changed,
      ready: (id, uploadId) => {
        outbox.uploaded(id, uploadId);
        session.look();
      },
      failed: (id, error) => {
        outbox.failFile(id, error);
        if (error.code === "file_lost" && drafts.lose(id)) app?.note("A file that you had chosen is lost. Choose it once more.");
      },
    },
  });
  const directory = new Directory({ api, changed });
  const definitions = new Definitions(api);
  const sets = new Sets({ api, definitions, changed });
  const session = new Session({
    url: new URL("/v1/ws", location.href.replace(/^http/, "ws")).href.replace(/#.*/, ""),
    api,
    outbox,
    uploads,
    values,
    definitions,
    device,
    changed,
    heard: (message) => app?.announce(message),
    measured: (membershipIds) => directory.measured(membershipIds),
  });
  const push = new Push({ api, device });
  const me = { email, name: rows[0].name, rows };
  app = new App({ root, session, outbox, uploads, drafts, values, definitions, sets, directory, push, me, newId: uuid7 });

  const navigate = () => app.navigate(parseRoute(location.hash));
  addEventListener("hashchange", navigate);
  addEventListener("online", () => session.connection.wake());
  addEventListener("pageshow", () => session.connection.wake());
  document.addEventListener("visibilitychange", () => {
    session.setForeground(isVisible());
    if (isVisible()) push.clear().catch(() => {}); // where there are none, there is nothing to clear
  });
  session.setForeground(isVisible());
  for (const gone of await orphans(email, device)) {
    outbox.adopt(outboxName(email, gone));
    values.adopt(valuesName(email, gone));
    drafts.adopt(draftsName(email, gone));
  }
  navigate();
  session.start();
  for (const { files = [], organizationId } of outbox.items) {
    for (const { file, uploadId } of files) if (uploadId === null) uploads.resume(file, organizationId);
  }
  for (const { key, file } of drafts.files) uploads.resume(file, placeOf(key).organizationId);
  session.look();
  const isWanted = (id) => Object.values(localStorage).some((text) => text.includes(id)); // by whichever tab
  kept.clean(isWanted).catch(() => {}); // a browser that keeps nothing has nothing to clean
}

function isVisible() {
  return document.visibilityState === "visible";
}

/** Many calls in one turn are one. */
function coalesced(act) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    queueMicrotask(() => {
      asked = false;
      act();
    });
  };
}

begin();
