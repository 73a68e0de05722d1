"""Every operation and every loader. Imported by the app, since importing enters them where a request, or an event to be
read, finds its own: a new one is a line here."""

# ruff: noqa: F401 - nothing is used by its name

import coachwire.operations.attachments
import coachwire.operations.audit
import coachwire.operations.comment_changes
import coachwire.operations.comment_pages
import coachwire.operations.comments
import coachwire.operations.conversations
import coachwire.operations.definitions
import coachwire.operations.deleting
import coachwire.operations.devices
import coachwire.operations.editing
import coachwire.operations.erasure
import coachwire.operations.grants
import coachwire.operations.history
import coachwire.operations.jobs
import coachwire.operations.messages
import coachwire.operations.metric_sets
import coachwire.operations.metrics
import coachwire.operations.organization
import coachwire.operations.prescriptions
import coachwire.operations.presence
import coachwire.operations.receipts
import coachwire.operations.search
import coachwire.operations.session
import coachwire.operations.threads
import coachwire.operations.uploads
import coachwire.operations.workouts
import coachwire.streams.loaders.comments
import coachwire.streams.loaders.messages
import coachwire.streams.loaders.values
