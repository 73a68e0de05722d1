// The service worker: shows what the server pushes, and opens the page when it is chosen. It keeps nothing.

addEventListener("push", (event) => {
  const { title, body, tag } = shown(told(event.data));
  event.waitUntil(registration.showNotification(title, { body, tag, icon: "/favicon.svg" }));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show());
});

async function show() {
  const [open] = await clients.matchAll({ type: "window", includeUncontrolled: true });
  await (open ? open.focus() : clients.openWindow("/"));
}

/** What a notification says; content is there only where the organization allows it. */
function shown({ type, data = {} }) {
  const isComment = type === "comment.mentioned";
  const plain = isComment ? "A new comment" : data.attachments ? "Files for you" : "A new message";
  return {
    title: data.senderName ?? data.authorName ?? "Coachwire",
    body: data.content || plain,
    tag: data.messageId ?? data.commentId ?? "coachwire",
  };
}

function told(data) {
  try {
    return data?.json() ?? {};
  } catch {
    return {};
  }
}
