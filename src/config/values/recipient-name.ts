const webhookMark = 'webhook:';

/** Returns the recipient that names a webhook. A mail address has no colon, so the two cannot be confused. */
export function recipientOfWebhook(name: string): string {
  return `${webhookMark}${name}`;
}

/** Returns the name of a recipient that is a webhook. Returns null for any other recipient. */
export function webhookOfRecipient(recipient: string): string | null {
  return recipient.startsWith(webhookMark) ? recipient.slice(webhookMark.length) : null;
}
