// The service worker: shows what the server pushes, and opens the page when it is chosen. It keeps nothing.

addEventListener("push", (event) => {
  const { title = "Coachwire", body = "You have a new message." } = told(event.data);
  event.waitUntil(registration.showNotification(title, { body, icon: "/favicon.svg", tag: "coachwire" }));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show());
});

async function show() {
  const [open] = await clients.matchAll({ type: "window", includeUncontrolled: true });
  await (open ? open.focus() : clients.openWindow("/"));
}

function told(data) {
  try {
    return data?.json() ?? {};
  } catch {
    return {};
  }
}
