/** A table of hostile clients, one attack each, with the outcome of the visit and of its reports. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';

import { metrics } from '../../../src/report/metrics.ts';
import type { FunctionReport, Report, Row } from '../../../src/report/report.ts';
import type { AgentRequest, Hello } from '../../../src/report/wire.ts';
import { generateEphemeral } from '../../../src/seal/hpke.ts';
import { keyIdOf } from '../../../src/seal/sealed-message.ts';
import { sealCompressed } from '../../../src/seal/seal.ts';
import { sampleReport } from '../../report/support/sample-report.ts';
import { times } from '../../support/times.ts';

export interface Attack {
  /** Returns the reports of a visit. `visit` counts from 0. */
  readonly reports?: (request: AgentRequest, visit: number) => readonly Buffer[];
  readonly hello?: (visit: number) => Partial<Hello>;
  readonly bytes?: () => Buffer;
  /** The code of the client's visits; null if they are good. */
  readonly visit: string | null;
  /** The code with which its reports are refused; null if none is. */
  readonly quarantine: string | null;
  /** Returns the number of rows of `stats` after this many visits, or the least and the greatest. */
  readonly stats: (visits: number) => number | readonly [number, number];
}

type Content = Partial<Omit<Report, 'worker_reports'>> & { readonly families?: readonly FunctionReport[] };

/** Returns a report as no encoder would write it: without limits and checks. */
function sealed(request: AgentRequest, { families = [], ...content }: Content = {}, seal: Partial<Seal> = {}): Buffer {
  const { client, run, key } = request;
  const reportId = seal.reportId ?? randomUUID();
  const report = {
    ...sampleReport,
    client: seal.client ?? client,
    run_id: run,
    report_id: reportId,
    datetime: new Date().toISOString(),
    worker_reports: [{ name: 'all', duration_ms: 1, error: null, function_reports: families }],
    ...content,
  };
  const publicKey = seal.publicKey ?? Buffer.from(key, 'base64url');
  const compressed = seal.compressed ?? deflateRawSync(JSON.stringify(report), { level: 1 });
  return sealCompressed({ publicKey, reportId, client: seal.client ?? client }, compressed, generateEphemeral());
}

interface Seal {
  readonly client: string;
  readonly reportId: string;
  readonly publicKey: Buffer;
  readonly compressed: Buffer;
}

const nothing = { visit: null, quarantine: null } as const;
const none = (): number => 0;
/** Returns an outcome: the visits end with this code and leave no row. */
const failed = (visit: string) => ({ visit, quarantine: null, stats: none });
/** Returns an outcome: the reports are refused with this code. */
const refused = (quarantine: string) => ({ visit: null, quarantine, stats: none });

function family(name: string, data: readonly Row[]): FunctionReport {
  return { name, data };
}

function many(name: string, count: number, rowOf: (at: number) => Row): FunctionReport {
  return family(name, times(count, rowOf));
}

function fullDisk(mount: string): Row {
  const place = { mount, fstype: 'ext4', source: `/dev/${mount}`, scope: 'local', mode: 'rw' };
  return { ...place, used_percent: 99.9, size_bytes: 1e9 };
}

const controls = '\u001b]0;owned\u0007\u001b[2J\u202egnp.exe\u2066\u009b2J\r\nBcc: x@example.org\u2028';

/** Names that a database may take for equal: spaces at the end, case, normal forms. */
export const alike = ['/a', '/a ', '/A', '/\u00e4', '/a\u0308', '/\ufb01', '/fi', '/ß', '/ss'] as const;

/** Returns a row for every family. Every numeric column has this value. */
function everyNumber(value: number): readonly FunctionReport[] {
  return [...new Set(metrics.map((one) => one.family))].map((name) => {
    const own = metrics.filter((metric) => metric.family === name);
    const labels = Object.fromEntries((own[0]?.labels ?? []).map((label) => [label, 'x']));
    return family(name, [{ ...labels, ...Object.fromEntries(own.map(({ field }) => [field, value])) }]);
  });
}

const inventoryOf = (index: number): Content =>
  ({
    name: 'Inventory report',
    worker_reports: [
      { name: 'a', duration_ms: 1, error: 'timeout', function_reports: [] },
      {
        name: 'b',
        duration_ms: 1,
        error: null,
        function_reports: [
          many(`invented_${index}`, 500, (at) => ({ model: `${at}${'x'.repeat(200)}` })),
          family('system', [{ model: `R${index}`, memory_bytes: 2 ** 53, threads: 2 ** 53 }]),
          family('cpu_model', [{ model: 'x', threads: 2 ** 53 - 1 }]),
        ],
      },
    ],
  }) as Content;

const hugeFrame = Buffer.from('R\xff\xff\xff\xff', 'latin1');
const garbageFrame = Buffer.concat([Buffer.from('R\0\0\0\x40', 'latin1'), Buffer.alloc(64, 7)]);
/** Returns a function that makes this many reports of a visit, all sealed with these options. */
const alikes = (count: number, seal: Partial<Seal>) => (request: AgentRequest) =>
  times(count, () => sealed(request, {}, seal));
const inYears = (years: number): number => Date.now() + years * year;
const otherKey = (): Buffer =>
  generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
const bomb = deflateRawSync(Buffer.alloc(48 * 1024 * 1024));
const deep = deflateRawSync('['.repeat(500_000));
const hourMs = 3_600_000;
const year = 365 * 24 * hourMs;
/** A moment of the past. Rows of several visits fall into one hour, however long the test takes. */
const earlier = { boot_id: null, datetime: new Date((Math.floor(Date.now() / hourMs) - 1.5) * hourMs).toISOString() };

/** Returns the attacks by the name of their client. `foreignId` returns the id of a report of another client. */
export function hostileAttacks(foreignId: () => string): Readonly<Record<string, Attack>> {
  return {
    'mounts-57000': {
      ...nothing,
      reports: (request) =>
        times(4, () =>
          sealed(request, {
            families: times(57, (part) =>
              many('disk', 1000, (at) => ({ mount: `/${(part * 1000 + at).toString(36)}` })),
            ),
          }),
        ),
      stats: (visits) => 4 * visits,
    },
    'bulk-100-mib': {
      ...refused('report-refused'),
      reports: (request, visit) => {
        const rows = times(200, (at) => ({ process: `${at}${'x'.repeat(198)}` }));
        const families = times(24, (part) => family(`family_${part}`, rows));
        return times(visit === 0 ? 100 : 20, () => sealed(request, { ...earlier, families }));
      },
      hello: () => ({ boot_id: null }),
      stats: () => 16,
    },
    'rows-100-reports': {
      ...refused('report-refused'),
      reports: (request) => {
        const disks = many('disk', 200, (at) => ({ mount: `/m${at}` }));
        const networks = many('network', 200, (at) => ({ interface: `e${at}` }));
        return times(100, () => sealed(request, { ...earlier, families: [disks, networks] }));
      },
      hello: () => ({ boot_id: null }),
      stats: (visits) => [49, 49 + visits],
    },
    'frame-4-gib': { ...failed('report-too-large'), bytes: () => hugeFrame },
    'frame-garbage': { ...failed('seal-corrupt'), bytes: () => garbageFrame },
    'reports-101': {
      ...failed('agent-output'),
      reports: (request) => times(101, () => sealed(request)),
      stats: (visits) => 100 * visits,
    },
    'compression-bombs': { ...refused('report-too-large'), reports: alikes(40, { compressed: bomb }) },
    'deep-json': { ...refused('report-invalid'), reports: alikes(5, { compressed: deep }) },
    'inventory-grows': {
      ...refused('report-refused'),
      reports: (request, visit) => times(60, (at) => sealed(request, inventoryOf(visit * 100 + at))),
    },
    'integers-2-53': {
      ...nothing,
      reports: (request) =>
        [2 ** 53, -(2 ** 53), 2 ** 31, 127, 1e300].map((value) => sealed(request, { families: everyNumber(value) })),
      stats: (visits) => 5 * visits,
    },
    'full-mounts-3000': {
      ...nothing,
      reports: (request, visit) => [
        sealed(request, {
          families: times(3, (part) => many('disk', 1000, (at) => fullDisk(`/v${visit}-${part * 1000 + at}`))),
        }),
      ],
      stats: (visits) => visits,
    },
    'times-past': {
      ...nothing,
      hello: () => ({ monotonic_ms: 0, boot_id: null }),
      reports: (request, visit) =>
        times(100, (at) => {
          const families = [many('disk', 50, (disk) => fullDisk(`/${visit}-${at}-${disk}`))];
          const datetime = new Date(Date.now() - at * 6 * hourMs).toISOString();
          return sealed(request, { boot_id: null, datetime, families });
        }),
      stats: (visits) => 100 * visits,
    },
    'times-1970': {
      ...refused('report-too-old'),
      hello: () => ({ boot_id: null }),
      reports: (request) => times(10, () => sealed(request, { boot_id: null, datetime: '1970-01-01T00:00:00.000Z' })),
    },
    'times-future': {
      ...nothing,
      hello: (visit) => ({ wall_ms: [inYears(900), 0, inYears(100)][visit] ?? 0, boot_id: 'other' }),
      reports: (request) =>
        times(10, () => sealed(request, { datetime: '9999-12-31T23:59:59.999Z', monotonic_ms: 2 ** 53 - 1 })),
      stats: (visits) => 10 * visits,
    },
    'clock-2-53': { ...failed('agent-output'), hello: (visit) => ({ wall_ms: visit === 0 ? -(2 ** 53) : 2 ** 53 }) },
    'names-10000': {
      ...refused('report-invalid'),
      reports: (request) => [sealed(request, { families: [family('disk', [fullDisk(`/${'x'.repeat(10_000)}`)])] })],
    },
    'control-characters': {
      ...nothing,
      reports: (request) => [
        sealed(request, {
          boot_id: controls,
          families: [
            family('disk', [
              { ...fullDisk(`/${controls}`), fstype: controls, source: controls, scope: controls, mode: controls },
            ]),
            family('network', [{ interface: controls, link_up: 0 }]),
            family('os', [{ hostname: controls, distribution: controls, kernel: controls, release: controls }]),
            family('failed_unit', [{ unit: controls, failed: 1 }]),
          ],
        }),
      ],
      stats: (visits) => visits,
    },
    'names-alike': {
      ...nothing,
      reports: (request) => [
        sealed(request, {
          families: [
            family('disk', alike.map(fullDisk)),
            many('network', alike.length, (at) => ({ interface: alike[at] ?? '' })),
          ],
        }),
      ],
      stats: (visits) => visits,
    },
    'processes-1000': {
      ...nothing,
      reports: (request) => [
        sealed(request, {
          families: ['process_cpu', 'process_memory', 'process_count'].map((name) =>
            many(name, 1000, (at) => ({ process: `p${at})\n(`, pid: at, used_percent: 100, count: 2 ** 53 - 1 })),
          ),
        }),
      ],
      stats: (visits) => visits,
    },
    'keys-invented': {
      ...failed('seal-no-key'),
      reports: (request) => times(20, () => sealed(request, {}, { publicKey: otherKey() })),
    },
    'key-id-stolen': {
      ...refused('seal-corrupt'),
      reports: (request) => {
        // The key id of the right key, on a message that is sealed to another key.
        const message = sealed(request, {}, { publicKey: otherKey() });
        Buffer.from(keyIdOf(Buffer.from(request.key, 'base64url')), 'hex').copy(message, 4);
        return [message];
      },
    },
    'name-of-another': { ...failed('report-foreign'), reports: alikes(5, { client: 'good-0' }) },
    'name-inside': { ...refused('report-foreign'), reports: (request) => [sealed(request, { client: 'good-0' })] },
    'id-of-another': {
      ...refused('report-foreign'),
      reports: (request, visit) => (visit === 0 ? [] : [sealed(request, {}, { reportId: foreignId() })]),
    },
  };
}
