import type { FamilyGroup } from '../../../config/config.ts';
import { withTimeout } from '../../../platform/deadline.ts';
import { contentTypes } from '../../metrics/exposition.ts';
import { writeMetrics } from '../../metrics/metrics.ts';
import { words } from '../answer.ts';
import { answerMs, inTime, statusOf } from '../look-answer.ts';
import type { LookName } from '../routes.ts';
import type { LookAnswerer } from './documents.ts';
import { documentAnswerers } from './look-documents.ts';
import { type LookOptions, pageAnswerers } from './look-pages.ts';

interface LookAnswerersOptions extends LookOptions {
  /** The families of `/metrics`. */
  readonly groups: readonly FamilyGroup[];
}

/** Returns what makes the answers of all pages and documents. */
export function lookAnswerers(options: LookAnswerersOptions): Readonly<Record<LookName, LookAnswerer>> {
  return { metrics: metricsAnswerer(options), ...pageAnswerers(options), ...documentAnswerers(options) };
}

/** Returns what answers with the newest figures, in the format that the Accept header asks for. */
function metricsAnswerer({ reader, onFault, groups }: LookAnswerersOptions): LookAnswerer {
  return async ({ isOpenMetrics, signal: gone }) => {
    const format = isOpenMetrics ? 'openmetrics' : 'text';
    try {
      const body = await withTimeout({ timeoutMs: answerMs, signal: gone }, (signal) =>
        inTime(() =>
          reader.read(async (storage, config) => {
            const chunks: string[] = [];
            const nowMs = await storage.nowMs();
            for await (const chunk of writeMetrics({ config, storage, nowMs, groups, format, signal }))
              chunks.push(chunk);
            return chunks.join('');
          }),
        ),
      );
      return { status: 200, body, headers: { 'Content-Type': contentTypes[format], 'Cache-Control': 'no-store' } };
    } catch (thrown) {
      if (statusOf(thrown) !== 503 && !gone.aborted) onFault(thrown);
      return words(503, 'The database does not answer, or nothing is stored yet.\n', { 'Retry-After': '30' });
    }
  };
}
