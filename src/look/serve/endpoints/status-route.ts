import type { ServeConfig } from '../../../config/config.ts';
import type { ShownElement } from '../../../config/vocabulary/config-document.ts';
import { messageOf } from '../../../platform/errors/errors.ts';
import { anyObject, parseJson } from '../../../platform/parse-json.ts';
import { isDeeper } from '../../../report/check-value.ts';
import { routeOf, type ServedRoute } from '../routes.ts';
import { refusedAsJson, jsonAnswer } from './events-route.ts';
import type { CommandAnswer } from './own-command.ts';

export interface StatusOptions {
  readonly serve: ServeConfig;
  /** Returns the configuration for display, without secrets. */
  readonly shownConfig: () => ShownElement;
  /** Returns the number of accepted events that are no rows yet. */
  readonly queued: () => number;
  /** Runs a program that prints further keys; null if there is none. */
  readonly own: (() => Promise<CommandAnswer>) | null;
  readonly onFault: (thrown: unknown) => void;
}

/** Returns the route of the server's status: its parts, start, configuration and waiting events. */
export function statusRoute({ serve, shownConfig, queued, own, onFault }: StatusOptions): ServedRoute {
  const startedAt = performance.now();
  const started = localTime(new Date());
  const open = {
    ...{ events: serve.events !== null, look: serve.look },
    ...{ metrics: serve.metrics !== null, push: serve.push },
  };
  const slaves = Object.entries(open).flatMap(([name, isOpen]) => (isOpen ? [{ name, started }] : []));
  const host = serve.hosts.join(',') || (serve.socket ?? '');
  return routeOf(
    'status',
    async () =>
      jsonAnswer(200, {
        // The program cannot replace the documented keys below.
        ...(own === null ? {} : await objectOf(own, onFault)),
        config: shownConfig(),
        events_queue: queued(),
        master_config: { hidden_opts: serve.hiddenOpts, host, port: serve.port },
        name: 'fleet-health',
        slaves,
        started,
        uptime: Math.round((performance.now() - startedAt) * 1000) / 1e6,
      }),
    { refused: refusedAsJson },
  );
}

const maxLevels = 64;

/** Returns the object that a program prints, or an empty one if it prints none. */
async function objectOf(own: () => Promise<CommandAnswer>, onFault: (thrown: unknown) => void): Promise<object> {
  const { stdout, fault } = await own();
  try {
    if (fault !== null) throw new Error(fault);
    if (isDeeper(Buffer.from(stdout), maxLevels)) throw new Error(`it printed JSON deeper than ${maxLevels} levels`);
    const value = parseJson(anyObject, stdout);
    if (value === null) throw new Error('it printed no JSON object');
    return value;
  } catch (thrown) {
    onFault(new Error(`<status command>: ${messageOf(thrown)}`));
    return {};
  }
}

/** Formats a time in the zone of this machine: `2018-02-01 18:41:37.872030`. */
function localTime(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${day} ${time}.${String(date.getMilliseconds()).padStart(3, '0')}000`;
}
