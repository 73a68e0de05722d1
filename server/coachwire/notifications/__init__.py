"""Notifications for who was away: the outbox, and the two ways out of it, webhooks and Web Push."""
