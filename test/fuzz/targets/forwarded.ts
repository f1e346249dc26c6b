import { parseClocks, parseForwarded, payloadsOf, type Forwarded } from '../../../src/collector/receive/forwarded.ts';
import { boundedTime } from '../../../src/report/values/bounded-time.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { requireSame, requireThat, type FuzzTarget } from '../target.ts';

const start = runStart({ id: 'run-1' });
const failed = visit({
  runId: 'run-1',
  client: 'web-2',
  ok: false,
  stage: 'login',
  code: 'auth-failed',
  message: 'no',
});
const seed = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** The records and clocks that a site forwards beside reports: none of them is sealed, and a site may be hostile. */
export const forwardedTarget: FuzzTarget = {
  name: 'forwarded',
  seeds: () => [
    seed({ kind: 'visits', visits: [visit({ runId: 'run-1' }), failed] }),
    seed({ kind: 'visits', visits: [{ ...failed, sealedTo: ['0123456789abcdef'], nextAttemptAtMs: 7 }, null, 3] }),
    seed({ kind: 'run', start, end: runEnd(start) }),
    seed({ receivedAtMs: 1.5, clock: { offsetMs: -3, monotonicZeroMs: 2, bootId: 'aa' } }),
    seed({ receivedAtMs: 1, clock: null }),
  ],
  words: [
    ...['"kind":"visits"', '"kind":"run"', '"visits":[', '"start":{', '"end":{', '"host":"', '"message":"', '"code":'],
    ...['\\u001b[2J', '\\u202e', '\\ud800', '\\n', '"__proto__":{', '"constructor"', '"toString"', 'null', 'true'],
    ...['1e999', '-1', '-0', '0.5', '35184372088833', '32503680000001', '"sealedTo":["', '"clock":', '[', '{'],
  ] as unknown as readonly [string, ...string[]],
  check: (input) => {
    const clocks = parseClocks(input);
    if (clocks !== null) {
      const { receivedAtMs } = clocks;
      requireThat(receivedAtMs === boundedTime(receivedAtMs), 'a time that no column holds');
    }
    const records = parseForwarded(input);
    if (records === null) return `none ${clocks === null ? '' : 'clocks'}`;
    requireSame(again(records), plain(records), 'written and read again');
    if (records.kind === 'run') {
      requireThat(isLine(records.start.host), 'a host that a screen must not meet');
      return `run ${records.end.outcome} ${records.start.scope}`;
    }
    for (const { address, message, bootId } of records.visits) {
      requireThat(isLine(`${address}${message ?? ''}${bootId ?? ''}`), 'characters that a screen must not meet');
    }
    return `visits ${records.visits.map(({ stage, code, reader }) => `${stage}/${code}/${reader}`).join()}`;
  },
};

/** Returns the records after one more encoding and parsing. */
function again(records: Forwarded): unknown {
  const parsed = payloadsOf(records).map(parseForwarded);
  if (records.kind === 'run') return plain(parsed[0]);
  return plain({ kind: 'visits', visits: parsed.flatMap((one) => (one?.kind === 'visits' ? one.visits : [])) });
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function isLine(text: string): boolean {
  return !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text);
}
