// One file on its way: a place is asked for, the bytes are put there, and the server looks at them. No DOM.

import { fullJitter } from "./backoff.js";

const LOOK = [300, 600, 1_000, 2_000]; // ms between looks at what is being processed; the last one from then on
const TRIES = 6; // that went wrong, before it waits for somebody to press "again"
const LONGEST = 4; // the attempt from which pauses grow no more: 8 s at most

/** The server takes no such file; asking again would get the same answer. */
export class UploadRefused extends Error {
  final = true;
}

/**
 * The id of the upload, once it may be sent. `progress(share)`: 0 to 1 of the bytes, null while the server looks at them.
 * Raises `UploadRefused`, a `Problem`, or what `signal` was aborted with.
 */
export async function upload({ api, organizationId, file, progress, signal }) {
  for (let attempt = 0, tries = 0; ; attempt++) {
    try {
      return await once({ api, organizationId, file, progress, signal });
    } catch (error) {
      if (error.status !== 0) tries += 1; // a server that is away costs none: whoever waits for it, waits
      if (signal.aborted || error.final || tries === TRIES) throw signal.aborted ? signal.reason : error;
      await pause(fullJitter(Math.min(attempt + 1, LONGEST)), signal);
    }
  }
}

async function once({ api, organizationId, file, progress, signal }) {
  progress(0);
  const asked = { fileName: file.name.slice(-255) || "file", fileSize: file.size, mimeType: file.type };
  const place = await api.beginUpload(organizationId, asked);
  await put(place, file, progress, signal);
  progress(null);
  let state = await api.completeUpload(organizationId, place.uploadId);
  for (let look = 0; state.state === "processing"; look++) {
    await pause(LOOK[Math.min(look, LOOK.length - 1)], signal);
    state = await api.upload(organizationId, place.uploadId);
  }
  if (state.state === "refused") throw new UploadRefused(state.reason ?? "unreadable");
  return place.uploadId;
}

/** `fetch` does not tell how much of a body has gone out. */
function put({ uploadUrl, method, headers }, file, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.addEventListener("abort", abort);
    request.upload.onprogress = ({ loaded, total }) => progress(total ? loaded / total : 0);
    request.onloadend = () => {
      signal.removeEventListener("abort", abort);
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(new Error(request.status ? `The store answered ${request.status}.` : "The connection was lost."));
    };
    request.open(method, uploadUrl);
    for (const [name, value] of Object.entries(headers)) {
      if (!FORBIDDEN.has(name.toLowerCase())) request.setRequestHeader(name, value);
    }
    request.send(file);
  });
}

const FORBIDDEN = new Set(["content-length", "host"]); // the browser says these itself

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
