import path from 'node:path';

import { isIP } from 'node:net';

import { parseJumps } from '../../../config/values/jumps.ts';
import { splitWords } from '../../../report/check-command.ts';
import type { ImportedHost } from '../imported.ts';
import { passedHost, type PassedHost, type SshRoute } from './ssh-arguments.ts';

/** The route to a machine in the words of config.xml. */
interface ImportedRoute extends Pick<ImportedHost, 'proxyJump' | 'bastion'> {
  /** Options of the machine on the route that config.xml has no words for. */
  readonly others: readonly string[];
}

const direct: ImportedRoute = { proxyJump: null, bastion: null, others: [] };

/**
 * Returns the route that ssh's options describe. A machine whose private key is written becomes a bastion. Returns a
 * sentence about the route if config.xml has no words for it: without its jump, a client would look directly reachable.
 */
export function importedRoute(
  route: SshRoute | null,
  user: string | null,
  keyFile: (written: string) => string,
): ImportedRoute | string {
  if (route === null || route.value.toLowerCase() === 'none') return direct;
  const remedy = 'name a <bastion> as proxyJump';
  if (route.kind === 'jump') {
    const isKnown = parseJumps(route.value) !== null && !/[%{}]/.test(route.value);
    return isKnown ? { ...direct, proxyJump: route.value } : `its ProxyJump has no words in config.xml; ${remedy}`;
  }
  const passed = passedHost(route.value, user);
  const fields = passed === null ? null : jumpThrough(passed, keyFile);
  if (passed !== null && fields !== null) return { ...fields, others: passed.others };
  return `its ProxyCommand${programOf(route.value)} has no words in config.xml; ${remedy}`;
}

/** Returns the program of a command, for messages. The arguments may hold a password. */
function programOf(command: string): string {
  const program = path.basename(splitWords(command)?.words[0] ?? '');
  return /^[\w.-]{1,32}$/.test(program) ? ` (${program} ...)` : '';
}

function jumpThrough(
  { host, user, port, key, jump }: PassedHost,
  keyFile: (written: string) => string,
): Pick<ImportedHost, 'proxyJump' | 'bastion'> | null {
  if (key !== null) {
    const own = { port, username: user, privateKey: keyFile(key), proxyJump: jump };
    return { proxyJump: host, bastion: { name: host, ip: host, ...own } };
  }
  const place = port !== null && isIP(host) === 6 ? `[${host}]` : host;
  const last = `${user === null ? '' : `${user}@`}${place}${port === null ? '' : `:${port}`}`;
  const proxyJump = jump === null ? last : `${jump},${last}`;
  return parseJumps(proxyJump) === null ? null : { proxyJump, bastion: null };
}
