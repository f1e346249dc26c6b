import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

import type { Config, Finding } from '../../config/config.ts';
import type { ConfigTree } from '../../config/xml/include.ts';
import { vocabulary } from '../../config/vocabulary/vocabulary.ts';
import { localPath } from '../../config/xml/local-path.ts';
import type { Element } from '../../config/xml/parse-elements.ts';
import { errnoOf, FleetError } from '../../platform/errors/errors.ts';
import { escapeControls } from '../../platform/errors/log.ts';
import { readTarget } from '../../notify/webhook/read-target.ts';
import { isMissingCredential } from '../../platform/credentials.ts';
import { loadPrivateKey, NoKey } from '../../transport/credentials/private-key.ts';

/** The paths of what the programs make, and of `<include>`, which is tried when config.xml is read. */
const made = ['state dir', 'metrics textfile', 'serve socket', 'include file'];
/** The attributes that name a socket. */
const sockets = ['agent', 'socketPath'];
/** The commands that use the files of an element. Files of other elements belong to the connections to clients. */
const users: Readonly<Record<string, string>> = {
  serve: 'serve needs it',
  forward: 'collect needs it',
  smtp: 'alert needs it',
  notify: 'alert needs it',
  ...{ events: 'serve needs it', ping: 'serve needs it', status: 'serve needs it' },
  webhook: 'alert needs it',
  alertmanager: 'alert needs it',
  replies: 'alert needs it',
  storage: 'collect and alert need it',
};

/** Elements whose command is started on this machine. */
const commandElements: readonly string[] = ['notify', 'events', 'ping', 'status'];

/**
 * Warns of each file that a valid config.xml names and that this account cannot use, once per path. Omits the files
 * whose fault is told elsewhere.
 */
export function namedFileWarnings(
  { root }: Pick<ConfigTree, 'root'>,
  isTold: (file: string) => boolean,
): readonly Finding[] {
  const warnings = new Map<string, Finding>();
  const look = (element: Element): void => {
    const { name, attributes, source, line, children } = element;
    if (attributes['state'] === 'retired') return;
    for (const [attribute, value] of Object.entries(attributes)) {
      const isCommand = attribute === 'command' && commandElements.includes(name);
      if (!isCommand && !namesFile(name, attribute, value)) continue;
      const named = isCommand ? value : localPath(value, source);
      // Only the service has the credential.
      if (isMissingCredential(named) || isTold(named)) continue;
      const fault = isCommand
        ? commandFault(named)
        : (fileFault(named, sockets.includes(attribute)) ?? (attribute === 'privateKey' ? keyFault(named) : null));
      if (fault === null || warnings.has(named)) continue;
      const message = `<${name} ${attribute}>: ${named} ${fault}; ${users[name] ?? 'collect needs it'}`;
      warnings.set(named, { file: source.shown, line, message: escapeControls(message) });
    }
    for (const child of children) look(child);
  };
  if (root !== null) look(root);
  return [...warnings.values()];
}

/** True if the value is the path of a file of this machine that must be there. */
function namesFile(element: string, attribute: string, value: string): boolean {
  const { kind, words = [] } = vocabulary[element]?.attributes[attribute] ?? {};
  return kind === 'path' && !words.includes(value) && !made.includes(`${element} ${attribute}`);
}

/** Warns of each webhook whose URL or header its format cannot use. Omits what cannot be read here. */
export function webhookWarnings({ file, webhooks }: Config): readonly Finding[] {
  return webhooks.flatMap((webhook) => {
    try {
      readTarget({ ...webhook, ca: null });
      return [];
    } catch (thrown) {
      if (!(thrown instanceof FleetError) || thrown.code === 'secret-missing') return [];
      return { file, line: null, message: escapeControls(`${thrown.message}; alert needs it`) };
    }
  });
}

/** Checks that a command of `<notify>` can be started, without starting it. Throws FleetError `mail-unavailable`. */
export function tryCommand(command: string): void {
  const fault = commandFault(command);
  if (fault === null) return;
  const advice = 'Mend the path, or make it executable: chmod +x.';
  throw new FleetError({ code: 'mail-unavailable', stage: 'mail', message: `${command} ${fault}`, advice });
}

/** Returns the fault of a command, or null if there is none. Looks in PATH for a command without a slash. */
function commandFault(command: string): string | null {
  if (!command.includes('/')) {
    const places = (process.env['PATH'] ?? '').split(':').map((dir) => path.join(dir, command));
    return places.some((place) => commandFault(path.resolve(place)) === null) ? null : 'is not in PATH';
  }
  return fileFault(command, false, constants.X_OK);
}

/** Returns `is no key` or in which way it is damaged; null for a key. The login tries its passphrase and type. */
function keyFault(file: string): string | null {
  try {
    loadPrivateKey(file, null);
    return null;
  } catch (thrown) {
    if (!(thrown instanceof FleetError && thrown.cause instanceof NoKey)) return null;
    const { message } = thrown.cause;
    return message.startsWith('it is ') ? message.slice(3) : `is damaged: ${message}`;
  }
}

function fileFault(file: string, isSocket: boolean, access = constants.R_OK): string | null {
  try {
    const facts = statSync(file);
    if (isSocket) return facts.isSocket() ? null : 'is no socket';
    if (!facts.isFile()) return 'is no regular file';
    accessSync(file, access);
    return null;
  } catch (thrown) {
    const code = errnoOf(thrown);
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist';
    return access === constants.X_OK ? 'cannot be executed by this account' : 'cannot be read by this account';
  }
}
