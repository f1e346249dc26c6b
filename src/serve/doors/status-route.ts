import type { ServeConfig } from '../../config/config.ts';
import type { ShownElement } from '../../config/vocabulary/config-document.ts';
import type { Route } from '../routes.ts';
import { refusedAsJson, said } from './events-route.ts';

export interface StatusOptions {
  readonly serve: ServeConfig;
  /** Returns the configuration as it is shown, without secrets. */
  readonly shownConfig: () => ShownElement;
  /** Returns the number of events that were accepted and are not rows yet. */
  readonly queued: () => number;
}

/** Says what runs here, since when, with which configuration, and how many events wait. */
export function statusRoute({ serve, shownConfig, queued }: StatusOptions): Route {
  const startedAt = performance.now();
  const started = localTime(new Date());
  const open = {
    ...{ events: serve.events !== null, look: serve.look },
    ...{ metrics: serve.metrics !== null, push: serve.push },
  };
  const slaves = Object.entries(open).flatMap(([name, isOpen]) => (isOpen ? [{ name, started }] : []));
  const host = serve.hosts.join(',') || (serve.socket ?? '');
  return {
    path: '/status',
    purpose: 'status',
    isPacked: false,
    refused: refusedAsJson,
    answer: () =>
      said(200, {
        config: shownConfig(),
        events_queue: queued(),
        master_config: { hidden_opts: serve.hiddenOpts, host, port: serve.port },
        name: 'fleet-health',
        slaves,
        started,
        uptime: Math.round((performance.now() - startedAt) * 1000) / 1e6,
      }),
  };
}

/** `2018-02-01 18:41:37.872030`, in the zone of this machine. */
function localTime(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${day} ${time}.${String(date.getMilliseconds()).padStart(3, '0')}000`;
}
