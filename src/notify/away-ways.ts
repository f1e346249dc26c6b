import { globMatcher } from '../config/values/globs.ts';
import type { Config, Recipient } from '../config/config.ts';
import { sender } from '../config/settings/mail-settings.ts';
import { statePaths } from '../state/paths.ts';
import type { AwayTopic } from './away-topic.ts';
import { createCommandNotifier } from './command.ts';
import { addressOf, createEmailNotifier } from './email.ts';
import { createFileNotifier } from './file.ts';
import type { Notifier } from './notify.ts';

const mailTimeoutMs = 30_000;

/** Somebody who is told, and the way there. */
export interface AwayListener {
  /** As the notifier knows them. */
  readonly recipient: string;
  /** The address in the mail; null: none. */
  readonly to: string | null;
  readonly notifier: Notifier;
  readonly timeoutMs: number;
}

type Settings = Pick<Config, 'smtp' | 'notify' | 'alerts' | 'clients' | 'stateDir'>;

/** Whose name stands on it. */
export function awaySender({ smtp }: Settings): { readonly from: string; readonly domain: string } {
  const from = smtp?.from ?? sender();
  const address = addressOf(from);
  return { from, domain: address.slice(address.lastIndexOf('@') + 1) || 'localhost' };
}

/**
 * Returns who is told of a database that is away or a broken config.xml, which are nobody's alerts: the fallback address and who is told of the whole fleet, by
 * <alerts> or else as a recipient of clients, for nobody hears of any alert meanwhile; every <notify>. Without <smtp> a
 * file in outbox/.
 */
export function awayListeners(
  { smtp, notify, alerts, clients, stateDir }: Settings,
  rule: AwayTopic['rule'],
): readonly AwayListener[] {
  const commands = notify
    .filter(({ rules }) => rules.length === 0 || globMatcher(rules.join(','))(rule))
    .map(({ command, timeoutMs }) => ({
      recipient: command,
      to: null,
      notifier: createCommandNotifier(command),
      timeoutMs,
    }));
  if (smtp === null) {
    const { outbox } = statePaths(stateDir);
    const file = { recipient: outbox, to: null, notifier: createFileNotifier(outbox), timeoutMs: mailTimeoutMs };
    return [file, ...commands];
  }
  const asking = (recipients: readonly Recipient[]): readonly string[] =>
    recipients.filter(({ rules }) => rules.length === 0 || globMatcher(rules.join(','))(rule)).map(({ to }) => to);
  const ofFleet = asking(alerts.recipients);
  const ofClients = new Set(clients.map(({ recipients }) => recipients));
  const told = ofFleet.length > 0 ? ofFleet : [...ofClients].flatMap(asking);
  const addresses = [...new Set([...(smtp.fallback === null ? [] : [smtp.fallback]), ...told])];
  // One connection carries them all.
  const notifier = createEmailNotifier(smtp);
  const mails = addresses.map((to) => ({ recipient: to, to, notifier, timeoutMs: mailTimeoutMs }));
  return [...mails, ...commands];
}
