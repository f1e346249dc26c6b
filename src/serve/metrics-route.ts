import type { FamilyGroup } from '../config/config.ts';
import { contentTypes } from '../metrics/exposition.ts';
import { writeMetrics } from '../metrics/metrics.ts';
import { NothingStored } from './fleet-reader.ts';
import type { Env } from './gate.ts';
import type { Hono } from './hono.ts';
import { answerMs, inTime, isAway, type LookOptions } from './look-pages.ts';

/** Adds the newest figures, in the format that the Accept header asks for. */
export function addMetrics(app: Hono<Env>, { reader, onFault }: LookOptions, groups: readonly FamilyGroup[]): void {
  app.get('/metrics', async (c) => {
    const format = c.req.header('Accept')?.includes('application/openmetrics-text') === true ? 'openmetrics' : 'text';
    const signal = AbortSignal.timeout(answerMs);
    try {
      const text = await inTime(() =>
        reader.read(async ({ alerts, figures }, config) => {
          const store = { alerts, figures };
          const chunks: string[] = [];
          const nowMs = await alerts.nowMs();
          for await (const chunk of writeMetrics({ config, store, nowMs, groups, format, signal })) chunks.push(chunk);
          return chunks.join('');
        }),
      );
      return c.body(text, 200, { 'Content-Type': contentTypes[format], 'Cache-Control': 'no-store' });
    } catch (thrown) {
      if (!isAway(thrown) && !(thrown instanceof NothingStored)) onFault(thrown);
      return c.text('The database does not answer, or nothing is stored yet.\n', 503, { 'Retry-After': '30' });
    }
  });
}
