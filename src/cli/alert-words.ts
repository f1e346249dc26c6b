/** Why a mail was dropped. */
export const droppedWords = 'config.xml no longer names this recipient';

/** What concerns the fleet as a whole has no client. */
export function clientText(client: string): string {
  return client === '' ? '(fleet)' : client;
}
