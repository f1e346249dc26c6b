import { hostname } from 'node:os';

import type { Config, ServeConfig } from '../../config/config.ts';
import { invisibleCharacter } from '../../config/values/invisible-characters.ts';
import { globMatcher } from '../../config/values/globs.ts';
import { usageError } from '../../platform/errors/errors.ts';
import { shellWord } from '../../text/shell-word.ts';
import { oneLine } from '../../text/plain-text.ts';
import { printAnswer } from '../command/answer.ts';
import type { Context, ExitStatus } from '../command/context.ts';
import type { OptionsOf } from '../command/define-command.ts';
import { loadSettings } from '../command/settings.ts';
import { collectorUrl, urlBelow } from '../push/collector-url.ts';
import type { urlParameters } from './parameters.ts';
import { addToken } from './tokens.ts';

const longestName = 128;

/** Runs `events url`: makes a token for the pings of a service, and prints the lines for a cron job. */
export async function eventsUrlCommand(
  context: Context,
  options: OptionsOf<typeof urlParameters>,
): Promise<ExitStatus> {
  const config = loadSettings(context);
  const { serve } = config;
  if (serve === null || serve.events === null) {
    throw usageError('config.xml has no <events/> in <serve>', 'Write <serve><events/></serve> into it.');
  }
  const service = checkedName('the service', options.service);
  const host = options.host === null ? null : checkedName('--host', options.host);
  const base = options.to === null ? ownUrl(serve) : collectorUrl('--to', options.to);
  const name = `ping:${host === null ? '' : `${host}:`}${service}`;
  const token = await addToken(context, { name, for: 'ping', service, ...(host === null ? {} : { host }) });
  const url = urlBelow(base, `/events/ping/${token}`).href;
  // Silent attempts, as cron mails every line: one line if all of them failed.
  const failed = `echo ${shellWord(`no ping of ${service}: exit status`)} $?`;
  const curl = `(curl -gfs --retry 5 --max-time 20 -o /dev/null ${shellWord(url)} || ${failed})`;
  const wget = `(wget -q -T 20 -t 5 -O /dev/null ${shellWord(url)} || ${failed})`;
  printAnswer(
    context.output,
    () => ({ command: 'events url', service, host, name, url, curl, wget }),
    () => `${curl}\n${wget}`,
  );
  if (context.output.verbosity !== 'quiet' && !isWatched(config, service)) {
    const rule = `<alert type="event" service="${service}" within="26h"/>`;
    context.output.complain(`No rule watches it: write one such as ${rule} into <alerts>.`);
  }
  return 0;
}

/** Returns a name of events. Throws FleetError `usage` for a text that is no name. */
export function checkedName(what: string, text: string): string {
  if (text !== '' && text === oneLine(text) && invisibleCharacter(text) === null && text.length <= longestName)
    return text;
  throw usageError(`${what} is no name`, `Write a line of at most ${longestName} characters.`);
}

/** Returns the URL at which other machines reach `serve`, or at which this machine does if `serve` is on loopback. */
function ownUrl({ hosts, port, tls }: ServeConfig): URL {
  const [first = '127.0.0.1'] = hosts.includes('127.0.0.1') ? ['127.0.0.1'] : hosts;
  const host = ['::', '0.0.0.0'].includes(first) ? hostname() : first.includes(':') ? `[${first}]` : first;
  return new URL(`${tls === null ? 'http' : 'https'}://${host}:${port}/`);
}

/** The address at which this machine reaches a server that listens on all addresses. */
const loopbackOf: Readonly<Record<string, string>> = { '::': '[::1]', '0.0.0.0': '127.0.0.1' };

/** Returns the URL at which this machine itself reaches `serve`. A certificate is for the name, not for loopback. */
export function localUrl(serve: ServeConfig): URL {
  const url = ownUrl(serve);
  const loopback = loopbackOf[serve.hosts[0] ?? ''];
  if (serve.tls === null && loopback !== undefined && !serve.hosts.includes('127.0.0.1')) url.hostname = loopback;
  return url;
}

function isWatched({ alerts, clients }: Config, service: string): boolean {
  const rules = [alerts.rules, ...clients.map((client) => client.rules)].flat();
  return rules.some(({ type, selectors }) => type === 'event' && globMatcher(selectors['service'] ?? '*')(service));
}
