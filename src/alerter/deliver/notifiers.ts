import type { Config } from '../../config/config.ts';
import { FleetError } from '../../errors.ts';
import { createCommandNotifier } from '../../notify/command.ts';
import { createEmailNotifier } from '../../notify/email.ts';
import { createFileNotifier } from '../../notify/file.ts';
import { statePaths } from '../../state/paths.ts';
import type { Way, Ways } from './delivery.ts';
import { commandOfRecipient } from '../inhibit/recipients-of.ts';

/** Of a mail until its content begins; the server's answer to that may take longer. */
export const mailTimeoutMs = 30_000;
export const mailAnswerTimeoutMs = 120_000;

/**
 * Where the mails of a configuration go: to a command of <notify>, to the mail server, or without <smtp> into files of
 * `outbox/`. A command that config.xml does not name (any more) is refused, whatever a stored mail says.
 */
export function createWays({ smtp, notify, stateDir }: Pick<Config, 'smtp' | 'notify' | 'stateDir'>): Ways {
  const opened = new Map<string, Way>();
  const open = (name: string, create: () => Omit<Way, 'name'>): Way => {
    const way = opened.get(name) ?? { name, ...create() };
    opened.set(name, way);
    return way;
  };
  const toCommand = (command: string): Way => {
    const known = notify.find((one) => one.command === command);
    if (known === undefined) {
      throw new FleetError({
        code: 'mail-refused',
        stage: 'mail',
        message: `${command}: config.xml has no such <notify command>`,
        advice: 'Nothing, if it was taken out; else name it again.',
      });
    }
    const { timeoutMs } = known;
    return open(command, () => ({
      notifier: createCommandNotifier(command),
      timeoutMs,
      answerTimeoutMs: timeoutMs,
    }));
  };
  const toServer = (): Way => {
    const limits = { timeoutMs: mailTimeoutMs, answerTimeoutMs: mailAnswerTimeoutMs };
    if (smtp === null) {
      const { outbox } = statePaths(stateDir);
      return open(outbox, () => ({ notifier: createFileNotifier(outbox), ...limits }));
    }
    return open(`${smtp.host}:${smtp.port}`, () => ({ notifier: createEmailNotifier(smtp), ...limits }));
  };
  return {
    wayTo: (recipient) => {
      const command = commandOfRecipient(recipient);
      return command === null ? toServer() : toCommand(command);
    },
    close: () => {
      for (const { notifier } of opened.values()) notifier.close();
    },
  };
}
