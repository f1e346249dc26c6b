import type { IncomingMessage } from 'node:http';
import { PassThrough, Readable } from 'node:stream';

import { RememberedReports } from '../../../collector/receive/known-reports.ts';
import { openReceiver, type Receiver } from '../../../collector/receive/receiver.ts';
import { receiveSiteFile } from '../../../collector/receive/receive-site-file.ts';
import { receiveVisit } from '../../../collector/receive/receive-visit.ts';
import type { Config } from '../../../config/config.ts';
import { FleetError } from '../../../platform/errors/errors.ts';
import { secondMs } from '../../../platform/units.ts';
import { parsePushHeader, pathInInbox, pushPath } from '../../../report/seal/push.ts';
import type { Answerer } from '../answer.ts';
import { routeOf, type ServedRoute } from '../routes.ts';
import { ProvenRequests, type ProvenRequest } from './proven-requests.ts';
import { type Refusal, refuse, refuseFull, strange } from './push-refusal.ts';

/** The interval for reading the keys and the size of the spool: longer if the reading takes more than a twentieth. */
const receiverMs = 10 * secondMs;
const receiverTimes = 20;

interface PushRouteOptions {
  /** Returns the current configuration. */
  readonly settings: () => Config;
  /** Aborts pushes under way. */
  readonly signal: AbortSignal;
  /** Called for each refused push. `client` is the name in the request; null if there is none. */
  readonly onRefused: (refused: RefusedPush) => void;
}

/** A refused push. */
export interface RefusedPush {
  readonly client: string | null;
  readonly status: number;
  readonly reason: string;
  readonly incoming: IncomingMessage;
}

/** Returns the routes of clients' pushes, and of the files that sites put. */
export function pushRoutes({ settings, signal, onRefused }: PushRouteOptions): readonly ServedRoute[] {
  const requests = new ProvenRequests(settings);
  const receiverNow = createReceiverSource();
  const remembered = new RememberedReports();
  const refusing =
    (take: (asked: Parameters<Answerer>[0]) => Promise<Refusal | null>): Answerer =>
    async (asked) => {
      const refused = await take(asked);
      if (refused === null) return null;
      const { answer, reason } = refused;
      const client = parsePushHeader(String(asked.incoming.headers['fleet-health'] ?? ''))?.client ?? null;
      onRefused({ client, status: answer.status, reason, incoming: asked.incoming });
      return answer;
    };
  return [
    routeOf(
      'push',
      refusing(({ incoming, outgoing }) =>
        requests.take({ incoming, outgoing, path: pushPath }, async (proven) => {
          const receiver = await receiverNow(proven.config);
          return await takeVisit(proven, { receiver, remembered, signal });
        }),
      ),
    ),
    routeOf(
      'inbox',
      refusing(({ incoming, outgoing, parts: { folder = '', name = '' } }) =>
        requests.take({ incoming, outgoing, path: pathInInbox(folder, name) }, async ({ from, config, body }) => {
          if (typeof from !== 'string') return strange('it is no site');
          const receiver = await receiverNow(config);
          try {
            const refusal = await receiveSiteFile({ receiver, config, site: from, folder, name, body });
            return refusal === null ? Buffer.alloc(0) : refuse(403, refusal);
          } catch (thrown) {
            // The site goes on with the files of its other clients.
            if (thrown instanceof FleetError && thrown.code === 'spool-full') return refuseFull(thrown);
            throw thrown;
          }
        }),
      ),
    ),
  ];
}

interface Taking {
  readonly receiver: Receiver;
  readonly remembered: RememberedReports;
  readonly signal: AbortSignal;
}

/** Returns the acknowledgements of a client's stream. Throws FleetError if nothing of it can be kept here. */
async function takeVisit(proven: ProvenRequest, taking: Taking): Promise<Buffer | Refusal> {
  const { from, config, body, arrivedAtMs } = proven;
  if (typeof from === 'string') return refuse(426, 'Upgrade Fleet Health at this site, whose files wait there');
  const output = new PassThrough();
  const chunks: Buffer[] = [];
  output.on('data', (chunk: Buffer) => chunks.push(chunk));
  const { acknowledged, fault } = await receiveVisit({
    ...{ ...taking, config, client: from, input: Readable.from([body]), output, now: () => arrivedAtMs },
  });
  if (acknowledged === 0 && fault?.stage === 'spool') throw fault;
  return Buffer.concat(chunks);
}

/** Returns a function that opens the receiver. Pushes within `receiverMs` share it. */
function createReceiverSource(): (config: Config) => Promise<Receiver> {
  let opened: Promise<Receiver> | null = null;
  let nextAt = 0;
  const open = async (config: Config): Promise<Receiver> => {
    const began = performance.now();
    const receiver = await openReceiver(config, Date.now());
    // A site of many clients fills the spool while it sends, and each reading visits all folders.
    nextAt = began + Math.max(receiverMs, receiverTimes * (performance.now() - began));
    return receiver;
  };
  return (config) => {
    const now = performance.now();
    if (opened === null || now >= nextAt) {
      nextAt = now + receiverMs;
      opened = open(config);
      opened.catch(() => (opened = null));
    }
    return opened;
  };
}
