import type { FamilyGroup } from '../config/config.ts';
import { contentTypes } from '../metrics/exposition.ts';
import { writeMetrics } from '../metrics/metrics.ts';
import { type Answerer, words } from './answer.ts';
import { answerMs, inTime, type LookOptions, statusOf } from './look-pages.ts';
import type { Route } from './routes.ts';

/** Returns the route of the newest figures, in the format that the Accept header asks for. */
export function metricsRoute({ reader, onFault }: LookOptions, groups: readonly FamilyGroup[]): Route {
  const answer: Answerer = async ({ incoming: { headers } }) => {
    const format = headers.accept?.includes('application/openmetrics-text') === true ? 'openmetrics' : 'text';
    const signal = AbortSignal.timeout(answerMs);
    try {
      const body = await inTime(() =>
        reader.read(async (storage, config) => {
          const chunks: string[] = [];
          const nowMs = await storage.nowMs();
          for await (const chunk of writeMetrics({ config, storage, nowMs, groups, format, signal }))
            chunks.push(chunk);
          return chunks.join('');
        }),
      );
      return { status: 200, body, headers: { 'Content-Type': contentTypes[format], 'Cache-Control': 'no-store' } };
    } catch (thrown) {
      if (statusOf(thrown) !== 503) onFault(thrown);
      return words(503, 'The database does not answer, or nothing is stored yet.\n', { 'Retry-After': '30' });
    }
  };
  return { path: '/metrics', purpose: 'metrics', isPacked: true, answer };
}
