import { hostname } from 'node:os';

import { secondMs } from '../../platform/units.ts';
import { parseDuration } from '../../text/durations.ts';
import type { ServeConfig, ServedCommand, ServedEventsConfig } from '../config.ts';
import { comparableHost, parseNetworks } from '../values/networks.ts';
import { percentDecoded } from '../../text/percent-decoded.ts';
import { vocabulary } from '../vocabulary/vocabulary.ts';
import { servedNames } from '../vocabulary/vocabulary-serve.ts';
import { localPath } from '../xml/local-path.ts';
import { childOf, type Element } from '../xml/parse-elements.ts';
import { isThisMachine } from '../values/is-this-machine.ts';
import { readServedMetrics } from './metrics-settings.ts';
import { noteFile, type ReadContext } from './read-secret.ts';

const usualPort = 5151;
/** The usual timeout of programs that a client waits for. */
const pingMs = 5 * secondMs;
const eventsMs = 30 * secondMs;
const loopback = ['::1', '127.0.0.1'] as const;

/** Reads `<serve>`. Returns null if the element is missing. */
export function readServe(element: Element | null, context: ReadContext): ServeConfig | null {
  if (element === null) return null;
  const { host, port, socket, trustedProxies, userHeader, auth, ipv6Only, hiddenOpts, url, title } = element.attributes;
  const socketAlone = socket !== undefined && host === undefined && port === undefined;
  const part = (name: string): Element | null => childOf(element, name);
  const pages = url === undefined || !URL.canParse(url) ? null : new URL(url.replace(/\/?$/, '/'));
  const serve: ServeConfig = {
    hosts: host !== undefined ? [comparableHost(host)] : socketAlone ? [] : loopback,
    port: port === undefined ? usualPort : Number(port),
    socket: socket === undefined ? null : localPath(socket, element.source),
    tls: readTls(element, context),
    trustedProxies: parseNetworks(trustedProxies ?? '') ?? [],
    userHeader: userHeader?.toLowerCase() ?? null,
    auth: auth === 'always' ? 'always' : 'beyond-loopback',
    look: part('look') !== null,
    acknowledge: part('look')?.attributes['acknowledge'] === 'yes',
    url: pages?.href ?? null,
    prefix: pages?.pathname.slice(0, -1) ?? '',
    title: title ?? pages?.hostname ?? hostname(),
    metrics: readServedMetrics(part('metrics'), context),
    ipv6Only: ipv6Only === 'yes',
    hiddenOpts: (hiddenOpts ?? '').split(',').flatMap((name) => name.trim() || []),
    events: readEvents(part('events')),
    push: part('push') !== null,
    ping: readCommand(part('ping'), pingMs),
    status: readCommand(part('status'), pingMs),
  };
  if (!element.faulty) checkServe(serve, element, context);
  return serve;
}

/** Reads `<events>` of `<serve>`. Returns null if the element is missing. */
function readEvents(element: Element | null): ServedEventsConfig | null {
  if (element === null) return null;
  const { udp, from, maxPerMinute } = element.attributes;
  return {
    udp: udp !== 'no',
    from: from === undefined ? null : parseNetworks(from),
    maxPerMinute: maxPerMinute === undefined ? null : Number(maxPerMinute),
    handOver: readCommand(element, eventsMs),
  };
}

/** Returns the program of an element; null if the element or its `command` is missing. */
function readCommand(element: Element | null, usualMs: number): ServedCommand | null {
  const { command, timeout } = element?.attributes ?? {};
  return command === undefined ? null : { command, timeoutMs: parseDuration(timeout ?? '') ?? usualMs };
}

function readTls(element: Element, context: ReadContext): ServeConfig['tls'] {
  const { tlsCert, tlsKey } = element.attributes;
  if (tlsCert !== undefined && tlsKey !== undefined) {
    const key = localPath(tlsKey, element.source);
    noteFile(key, element, context.places);
    return { cert: localPath(tlsCert, element.source), key };
  }
  if (tlsCert !== undefined || tlsKey !== undefined) {
    const [has, lacks] = tlsCert === undefined ? ['tlsKey', 'tlsCert'] : ['tlsCert', 'tlsKey'];
    context.findings.fault(element, `<serve> has ${has} but no ${lacks}; add ${lacks}="FILE"`);
  }
  return null;
}

function checkServe(serve: ServeConfig, element: Element, { findings }: ReadContext): void {
  const { hosts, tls, trustedProxies, userHeader, look, metrics, events, url, prefix } = serve;
  if (url !== null && !look) findings.fault(element, '<serve> has url but no pages to link; add <look/>');
  const own = servedNames.find((name) => name === percentDecoded(prefix.split('/')[1] ?? ''));
  if (own !== undefined) {
    findings.fault(element, `<serve> has pages of its own at /${own}, so url needs another path, such as /fleet/`);
  }
  const beyond = hosts.find((host) => !isThisMachine(host));
  const isOpen = beyond !== undefined && tls === null && trustedProxies.length === 0 && !element.faulty;
  if (isOpen && look) {
    findings.fault(
      element,
      `<serve> host="${beyond}" with <look/> would send tokens and figures over the network in clear; ` +
        'add tlsCert="FILE" tlsKey="FILE", or trustedProxies="ADDRESS" of a reverse proxy that does TLS, ' +
        'or remove host',
    );
  } else if (isOpen && metrics !== null) {
    findings.warn(element, `<serve> host="${beyond}" sends tokens over the network in clear; add tlsCert and tlsKey`);
  }
  if (beyond !== undefined && events !== null && events.from === null) {
    findings.warn(element, `<serve> host="${beyond}" takes events from everybody; add from="NETWORKS" to <events>`);
  }
  for (const option of element.children.filter(({ name }) => name === 'option')) {
    const { name = '' } = option.attributes;
    const spec = Object.hasOwn(vocabulary, name) ? vocabulary[name] : undefined;
    if (spec?.parents.includes('config') !== true) continue;
    const shown = `<option name="${name}"> is shown by /status in one list with <${name}>`;
    findings.warn(option, `${shown}; choose another name`);
  }
  if (userHeader !== null && trustedProxies.length === 0) {
    const message = '<serve> has userHeader, which anybody could send; add trustedProxies="ADDRESS" of the proxy';
    findings.fault(element, message);
  }
}
