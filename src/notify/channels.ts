import type { Config } from '../config/config.ts';
import { FleetError } from '../platform/errors/errors.ts';
import { statePaths } from '../state-folder/paths.ts';
import { mailTimeouts, type Channel, type ChannelTimeouts } from './notify.ts';
import { createCommandChannel } from './command.ts';
import { createEmailChannel } from './email.ts';
import { createFileChannel } from './file.ts';
import { createWebhookChannel } from './webhook/webhook.ts';
import { kindOfRecipient, type RecipientKind } from '../config/values/recipient-kinds.ts';

/** The channels of a configuration. Each is opened with its first mail. */
export interface Channels {
  /** Returns the channel of a recipient. Throws FleetError `mail-refused` for a recipient without a channel. */
  channelFor(recipient: string): Channel;
  /** Closes the open channels. Never throws. */
  close(): void;
}

/** The part of a configuration that defines channels. */
export type ChannelConfig = Pick<Config, 'smtp' | 'notify' | 'webhooks' | 'stateDir'>;

/**
 * Opens the channels of a configuration: commands of <notify>, webhooks, the mail server, or without <smtp> the files
 * of `outbox/`. Refuses a command or a webhook that config.xml does not name (any more), even if a stored mail names
 * it.
 */
export function openChannels(config: ChannelConfig, timeouts: ChannelTimeouts = mailTimeouts): Channels {
  const opened = new Map<string, Channel>();
  return {
    channelFor: (recipient) => {
      const { kind, name } = kindOfRecipient(recipient);
      const key = kind === 'mail' ? '' : recipient;
      const channel = opened.get(key) ?? createChannel[kind](config, name, timeouts);
      opened.set(key, channel);
      return channel;
    },
    close: () => {
      for (const channel of opened.values()) channel.close();
    },
  };
}

type CreateChannel = (config: ChannelConfig, name: string, timeouts: ChannelTimeouts) => Channel;

const createChannel: Readonly<Record<RecipientKind, CreateChannel>> = {
  mail: ({ smtp, stateDir }, _, timeouts) =>
    smtp === null ? createFileChannel(statePaths(stateDir).outbox, timeouts) : createEmailChannel(smtp, timeouts),
  command: ({ notify }, command) => {
    const known = notify.find((one) => one.command === command);
    if (known === undefined) throw unnamed(`${command}: config.xml has no such <notify command>`);
    return createCommandChannel(known);
  },
  webhook: ({ webhooks }, name) => {
    const known = webhooks.find((one) => one.name === name);
    if (known === undefined) throw unnamed(`webhook ${name}: config.xml has no such <webhook name> with a URL`);
    return createWebhookChannel(known);
  },
};

function unnamed(message: string): FleetError {
  const advice = 'Nothing, if it was taken out; else name it again.';
  return new FleetError({ code: 'mail-refused', stage: 'mail', message, advice });
}
