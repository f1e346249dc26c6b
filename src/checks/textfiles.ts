/** Turns what the agents read of *.prom files into results: their age, and the hardware and updates that they tell of. */
import { maxTextfileBytes } from '../report/checks.ts';
import { type FigureUnit, type Judgement, plainFigure } from './perfdata.ts';
import { parseSample, type PromSample } from './prom-samples.ts';

export interface TextfileResult extends Judgement {
  /** The file without `.prom`; '' for the folder. */
  readonly name: string;
  /** The samples that the line of the folder asks for, whichever file has them; a file has none. */
  readonly samples: readonly PromSample[];
}

interface Textfile {
  readonly name: string;
  readonly ageSeconds: number;
  readonly faults: string[];
  readonly samples: PromSample[];
}

interface Known {
  /** The label of the figure: the sum of all samples, or the highest. */
  readonly figure: string;
  readonly unit?: FigureUnit;
  readonly isHighest?: true;
  readonly stateOf: (value: number) => 0 | 1 | 2;
  /** Behind the labels of a sample. null: the sample is not told. */
  readonly tell: (value: number) => string | null;
  /** A figure of the samples of some subjects alone. */
  readonly part?: { readonly figure: string; readonly isOf: (subject: string) => boolean };
}

const sectors = (kind: string, state: 0 | 1): Known => ({
  figure: `${kind}_sectors`,
  stateOf: (value) => (value > 0 ? state : 0),
  tell: (value) => (value > 0 ? `${value} ${kind} sectors` : null),
});

const nvmeWarnings: Known = {
  figure: 'nvme_warnings',
  stateOf: (value) => (value > 0 ? 2 : 0),
  tell: (value) => (value > 0 ? `critical warning ${value}` : null),
};

/** The metrics of Debian's prometheus-node-exporter-collectors, by the order of their figures. */
const knownMetrics: ReadonlyMap<string, Known> = new Map([
  [
    'smartmon_device_smart_healthy',
    {
      figure: 'healthy_disks',
      stateOf: (value) => (value === 1 ? 0 : 2),
      tell: (value) => (value === 1 ? null : 'SMART: failing'),
    },
  ],
  ['smartmon_reallocated_sector_ct_raw_value', sectors('reallocated', 0)],
  ['smartmon_grown_defects_count_raw_value', sectors('defect', 0)],
  ['smartmon_current_pending_sector_raw_value', sectors('pending', 1)],
  ['smartmon_offline_uncorrectable_raw_value', sectors('uncorrectable', 1)],
  ['nvme_critical_warning_total', nvmeWarnings],
  // Debian 13 has no suffix.
  ['nvme_critical_warning', nvmeWarnings],
  [
    'nvme_percentage_used_ratio',
    {
      figure: 'nvme_used',
      unit: 'ratio',
      isHighest: true,
      stateOf: (value) => (value >= 1 ? 2 : value >= 0.9 ? 1 : 0),
      tell: (value) => (value >= 0.9 ? `${Math.round(value * 100)} % of its life used` : null),
    },
  ],
  [
    'nvme_media_errors_total',
    {
      figure: 'nvme_media_errors',
      stateOf: () => 0,
      tell: (value) => (value > 0 ? `${value} media errors` : null),
    },
  ],
  [
    'apt_upgrades_pending',
    {
      figure: 'upgrades',
      stateOf: () => 0,
      tell: (value) => (value > 0 ? `${value} upgrades pending` : null),
      part: { figure: 'security_upgrades', isOf: (subject) => /security/i.test(subject) },
    },
  ],
]);

/**
 * Returns a result for the folder, and one for each file. A stale file is WARNING, a faulty one UNKNOWN. Lines that begin
 * with `+` are samples that the folder's line asks for; of an output that is full the last one is left out.
 */
export function parseTextfiles(output: string): readonly TextfileResult[] {
  const files: Textfile[] = [];
  const faults: string[] = [];
  const wanted: (PromSample | null)[] = [];
  let staleSeconds = NaN;
  for (const line of output.split('\n')) {
    if (line.startsWith('+')) {
      wanted.push(parseSample(line.slice(1)));
      continue;
    }
    const file = files.at(-1);
    const [, key, value = ''] = /^(stale|file|fault)=(.*)$/.exec(line) ?? [];
    const sample = parseSample(line);
    if (key === 'stale') staleSeconds = Number(value);
    else if (key === 'file') {
      const [, age = NaN, name = ''] = /^(-?\d+) (.*)\.prom$/.exec(value) ?? [];
      files.push({ name, ageSeconds: Number(age), faults: [], samples: [] });
    } else if (key === 'fault') (file?.faults ?? faults).push(value);
    else if (sample !== null) file?.samples.push(sample);
    else if (line !== '') (file?.faults ?? faults).push('more than a result holds');
  }
  if (files.length === 0 && faults.length === 0) faults.push('no *.prom file');
  const count = `${files.length} ${files.length === 1 ? 'file' : 'files'}`;
  const isFull = Buffer.byteLength(output) > maxTextfileBytes - 100;
  const samples = (isFull ? wanted.slice(0, -1) : wanted).filter((sample) => sample !== null);
  const taken = isFull && samples.length > 0 ? `, and more samples than the ${samples.length} that a result holds` : '';
  const folder = {
    name: '',
    state: faults.length > 0 ? 3 : 0,
    text: faults[0] ?? count + taken,
    figures: [],
    samples,
  } as const;
  return [folder, ...files.map((file) => resultOf(file, staleSeconds))];
}

function resultOf({ name, ageSeconds, faults, samples }: Textfile, staleSeconds: number): TextfileResult {
  const said: string[] = [];
  const sums = new Map<string, number>();
  let worst: 0 | 1 | 2 = 0;
  for (const { metric, labels, value } of samples) {
    const known = knownMetrics.get(metric);
    if (known === undefined) continue;
    const state = Number.isNaN(value) ? 0 : known.stateOf(value);
    if (state > worst) worst = state;
    const subject = subjectOf(labels);
    const words = Number.isNaN(value) ? null : known.tell(value);
    if (words !== null) said.push(`${subject}: ${words}`);
    const { figure, part } = known;
    const sum = sums.get(figure) ?? 0;
    sums.set(figure, known.isHighest === true ? Math.max(sum, value) : sum + value);
    if (part !== undefined) sums.set(part.figure, (sums.get(part.figure) ?? 0) + (part.isOf(subject) ? value : 0));
  }
  const isStale = !(ageSeconds <= staleSeconds);
  const state = worst === 2 ? 2 : faults.length > 0 ? 3 : isStale ? 1 : worst;
  const lines = [...faults, ...(isStale ? [`not written for ${ageSeconds} s`] : []), ...said];
  const figures = [...new Set(knownMetrics.values())].flatMap(({ figure, unit, part }) =>
    [figure, ...(part === undefined ? [] : [part.figure])].flatMap((label) => {
      const sum = sums.get(label);
      // Only the first of the healthy disks is in the output.
      return sum === undefined || label === 'healthy_disks' ? [] : [plainFigure(label, sum, unit)];
    }),
  );
  return {
    name,
    state,
    text: lines.length === 0 ? `written ${ageSeconds} s ago` : lines.join('\n'),
    figures: [plainFigure('age', ageSeconds, 'seconds'), ...figures],
    samples: [],
  };
}

/** Returns the disk or the origin that a sample is about. */
function subjectOf(labels: PromSample['labels']): string {
  const [, subject] = labels.find(([name]) => ['disk', 'device', 'origin'].includes(name)) ?? [];
  return subject ?? 'all';
}
