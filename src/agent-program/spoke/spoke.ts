/**
 * The mode `spoke`: answers a collector that polls for reports over HTTP, with the bytes that a push would send, and
 * shows the report in clear if that is allowed.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type Socket, isIP } from 'node:net';
import { hostname } from 'node:os';

import { FleetError, messageOf } from '../../platform/errors/errors.ts';
import { httpLimits, isFamilyOff, startListening } from '../../platform/listen.ts';
import { secondMs } from '../../platform/units.ts';
import { acknowledgePath, pushPath } from '../../report/seal/push.ts';
import { type AgentLog, takeKeptReport } from '../agent-program.ts';
import { formatReport } from '../format-report.ts';
import type { ModeContext } from '../mode-context.ts';
import { plainAnswer, send } from './spoke-answer.ts';
import { signedRequests } from './signed-requests.ts';
import { laterInventory } from './spoke-inventory.ts';
import { acknowledge, answerVisit } from './spoke-visit.ts';

/** The number of connections beyond which the oldest idle connection is closed. */
const maxConnections = 64;
/** The time limit from a request to the end of its answer: for a report, and for reading the answer. */
const answerMs = 60 * secondMs;
const closeMs = 3 * secondMs;
const refusalsAMinute = 10;

type Answer = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>;

/** Answers until the signal aborts. Throws FleetError `listen-failed`. */
export async function runSpoke(context: ModeContext): Promise<void> {
  const { settings, log, signal, ready } = context;
  const { addresses, port, clear } = settings.spoke;
  const signed = signedRequests(settings);
  const onRefused = refusalLog(log);
  const inventory = laterInventory(context);
  const routes: Readonly<Record<string, Readonly<Record<string, Answer>>>> = {
    [pushPath]: { POST: (...request) => signed(pushPath, request, (body) => answerVisit(context, body), onRefused) },
    [acknowledgePath]: {
      POST: (...request) =>
        signed(acknowledgePath, request, (body) => acknowledge(context, body, inventory), onRefused),
    },
    [clearPath]: { GET: clearReports(context) },
  };
  const server = (): Server => spokeServer(routes, log);
  const servers: Server[] = [];
  try {
    const listening: string[] = [];
    for (const [index, address] of addresses.entries()) {
      const place = `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
      const opened = server();
      // IPv6 may be switched off.
      const isOptional = listening.length > 0 || index + 1 < addresses.length;
      if (!(await isListening(opened, { host: address, port, ipv6Only: true }, place, isOptional))) continue;
      servers.push(opened);
      listening.push(place);
    }
    log.event('listening', { on: listening.join(' '), enrolled: settings.enrolment !== null, clear });
    ready();
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    await Promise.all(servers.map(close));
  }
}

async function isListening(
  server: Server,
  where: { readonly host: string; readonly port: number; readonly ipv6Only: boolean },
  words: string,
  isOptional: boolean,
): Promise<boolean> {
  try {
    await startListening(server, where);
    return true;
  } catch (thrown) {
    if (isOptional && isFamilyOff(thrown)) return false;
    const message = `cannot listen on ${words}: ${messageOf(thrown)}`;
    const advice = 'End what listens there, or name another listen_address or ip_bind_port in "spoke" of agent.json.';
    throw new FleetError({ code: 'listen-failed', stage: 'run', message, advice, cause: thrown });
  }
}

function spokeServer(routes: Readonly<Record<string, Readonly<Record<string, Answer>>>>, log: AgentLog): Server {
  const open = new Set<Socket>();
  const busy = new Set<Socket>();
  const server = createServer(httpLimits, (incoming, outgoing) => {
    const { socket } = incoming;
    busy.add(socket);
    const timer = setTimeout(() => outgoing.destroy(), answerMs);
    outgoing.once('close', () => {
      clearTimeout(timer);
      busy.delete(socket);
    });
    answer(routes, incoming, outgoing).catch((thrown: unknown) => {
      log.problem('not-answered', { path: pathOf(incoming), reason: messageOf(thrown) });
      if (!outgoing.headersSent) send(outgoing, plainAnswer(500, 'This machine could not answer; its log says why.'));
      else outgoing.destroy();
    });
  });
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    if (open.size <= maxConnections) return;
    const idle = [...open].find((one) => !busy.has(one));
    (idle ?? socket).destroy();
  });
  return server;
}

async function answer(
  routes: Readonly<Record<string, Readonly<Record<string, Answer>>>>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const path = pathOf(incoming);
  const methods = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (methods === undefined) {
    send(outgoing, plainAnswer(404, 'There is nothing here.'));
    return;
  }
  const route = methods[incoming.method ?? ''];
  if (route === undefined) {
    send(outgoing, plainAnswer(405, 'That is no method of this path.', { Allow: Object.keys(methods).join(', ') }));
    return;
  }
  await route(incoming, outgoing);
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '';
}

/** Accepts no more connections, lets answers end, and closes the remaining connections at the deadline. */
async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), closeMs);
  await closed;
  clearTimeout(timer);
}

/** Returns a function that logs why a request was refused. Logs only the first refusals of each minute. */
function refusalLog(log: AgentLog): (address: string, reason: string) => void {
  let minute = 0;
  let count = 0;
  return (address, reason) => {
    const now = Math.floor(performance.now() / (60 * secondMs));
    if (now !== minute) [minute, count] = [now, 0];
    count += 1;
    if (count <= refusalsAMinute) log.problem('refused', { from: address, reason });
  };
}

const clearPath = '/pattoo-os';

/** The time for which a report is shown again: rates need ten seconds, and frequent requests cost no more. */
const shownMs = 10 * secondMs;

/** Returns a function that shows the newest report in clear, only to this machine unless `clear` is set. */
function clearReports({ settings, place, note }: ModeContext) {
  let shown: Promise<Buffer> | null = null;
  let takenAt = 0;
  const take = async (): Promise<Buffer> => {
    const taken = await takeKeptReport(settings, place);
    note({ lastReportAtMs: Date.parse(taken.report.datetime), queue: null });
    return Buffer.from(`${JSON.stringify(formatReport('pattoo', taken))}\n`);
  };
  return async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    if (!settings.spoke.clear && !isOfThisMachine(incoming)) {
      const words =
        'The report is shown on this machine alone; "clear": true in "spoke" of agent.json shows it to all.';
      send(outgoing, plainAnswer(403, words));
      return;
    }
    if (shown === null || performance.now() - takenAt >= shownMs) {
      takenAt = performance.now();
      shown = take();
      shown.catch(() => (shown = null));
    }
    send(outgoing, { status: 200, headers: { 'Content-Type': 'application/json' }, body: await shown });
  };
}

/**
 * True if a request comes from this machine and is addressed to it. False for a page in a local browser under another
 * host name, and for a request with a proxy's header.
 */
function isOfThisMachine({ socket, headers }: IncomingMessage): boolean {
  const proxied = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some((name) => headers[name] !== undefined);
  return !proxied && isLoopback(socket.remoteAddress ?? '') && isOwnName(headers.host ?? '');
}

function isLoopback(address: string): boolean {
  return /^(?:::1|(?:::ffff:)?127\.\d+\.\d+\.\d+)$/.test(address);
}

function isOwnName(host: string): boolean {
  const name = host
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '');
  return isIP(name) !== 0 || ['localhost', hostname().toLowerCase()].includes(name);
}
