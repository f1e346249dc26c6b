import type { Client, Config, Finding } from '../../config/config.ts';
import { asFleetError } from '../../errors.ts';
import { escapeControls } from '../../log.ts';
import { createTransportShared, type TransportShared } from '../../transport/transport-shared.ts';

/** Clients whose way cannot be followed, because of ssh_config above all: found without connecting to anything. */
export function wayWarnings(config: Config): readonly Finding[] {
  const shared = createTransportShared({ config });
  return config.clients
    .filter(({ state, ssh }) => state !== 'retired' && ssh.transport !== 'local' && ssh.transport !== 'openssh')
    .flatMap((client) => {
      const why = whyNoWay(client, shared);
      const message = `client "${client.name}" cannot be reached: ${why ?? ''}`;
      return why === null ? [] : [{ file: client.file, line: client.line, message: escapeControls(message) }];
    });
}

function whyNoWay(client: Client, shared: TransportShared): string | null {
  try {
    const lacking = shared.routeTo(client).unsupported.find(({ needed }) => needed);
    if (lacking === undefined || client.ssh.transport === 'auto') return null;
    return `${lacking.place}: ${lacking.option} needs transport="openssh" or "auto"`;
  } catch (thrown) {
    return asFleetError(thrown, { code: 'internal', stage: 'config', client: client.name }).message;
  }
}
