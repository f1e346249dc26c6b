import type { Config } from '../config/config.ts';
import { FleetError } from '../errors.ts';
import { statePaths } from '../state/paths.ts';
import { mailTimeouts, type Channel, type ChannelTimeouts } from './notify.ts';
import { createCommandChannel } from './command.ts';
import { createEmailChannel } from './email.ts';
import { createFileChannel } from './file.ts';
import { commandOfRecipient } from './mail-identity.ts';

/** The channels of a configuration, each opened with the first mail that takes it. */
export interface Channels {
  /** Throws FleetError `mail-refused` for a recipient that no channel leads to. */
  channelFor(recipient: string): Channel;
  /** Ends what was kept open. Never throws. */
  close(): void;
}

/**
 * Opens the channels of a configuration: commands of <notify>, the mail server, or without <smtp> the files of
 * `outbox/`. Refuses a command that config.xml does not name (any more), whatever a stored mail says.
 */
export function openChannels(
  { smtp, notify, stateDir }: Pick<Config, 'smtp' | 'notify' | 'stateDir'>,
  timeouts: ChannelTimeouts = mailTimeouts,
): Channels {
  const opened = new Map<string, Channel>();
  const create = (command: string | null): Channel => {
    if (command === null) {
      return smtp === null
        ? createFileChannel(statePaths(stateDir).outbox, timeouts)
        : createEmailChannel(smtp, timeouts);
    }
    const known = notify.find((one) => one.command === command);
    if (known !== undefined) return createCommandChannel(known);
    throw new FleetError({
      code: 'mail-refused',
      stage: 'mail',
      message: `${command}: config.xml has no such <notify command>`,
      advice: 'Nothing, if it was taken out; else name it again.',
    });
  };
  return {
    channelFor: (recipient) => {
      const command = commandOfRecipient(recipient);
      const key = command ?? '';
      const channel = opened.get(key) ?? create(command);
      opened.set(key, channel);
      return channel;
    },
    close: () => {
      for (const channel of opened.values()) channel.close();
    },
  };
}
