/**
 * Turns the agents' answers about *.prom files into results: the age of the files, and the state of hardware and
 * updates.
 */
import { maxLongOutputBytes } from '../checks.ts';
import { type CheckOutcome, type Figure, type FigureUnit, plainFigure } from './perfdata.ts';
import { parseSample, repeatedSamples, type PromSample } from './prom-samples.ts';

export interface TextfileResult extends CheckOutcome {
  /** The name of the file without `.prom`; '' for the folder. */
  readonly name: string;
  /** The samples that the line of the folder requests, from all files; empty for a file. */
  readonly samples: readonly PromSample[];
}

interface Textfile {
  readonly name: string;
  readonly ageSeconds: number;
  readonly faults: string[];
  readonly samples: PromSample[];
}

interface Known {
  /** The labels that make a thing: samples of one metric that differ in one of them are of two things. */
  readonly things: readonly string[];
  /** The label of the figure, which is the sum or the highest of all samples; null: no figure. */
  readonly figure: string | null;
  readonly unit?: FigureUnit;
  readonly isHighest?: true;
  /** True if the figure counts the samples that are not fine. */
  readonly isCount?: true;
  /** True if NaN means that a thing has no such value, beside others that have one. */
  readonly mayLack?: true;
  /** True if each disk has a figure of its own beside the sum: `reallocated_sectors /dev/sda`. */
  readonly isByDisk?: true;
  readonly stateOf: (value: number) => 0 | 1 | 2;
  /** Returns the words behind the labels of a sample; null: the sample is left out. */
  readonly textOf: (value: number) => string | null;
  /** A figure of the samples of some subjects alone. */
  readonly part?: { readonly figure: string; readonly isOf: (subject: string) => boolean };
}

/** A disk of smartmon.sh by device node and type, of smartmon.py by device node and number behind a controller. */
const disk = ['device', 'disk', 'type'] as const;
const raid = ['controller', 'enclosure', 'slot'] as const;
const sensor = ['name', 'sensor', 'id'] as const;
/** Updates are counted by origin, of all architectures. */
const origin = ['origin'] as const;

const sectors = (kind: string, state: 0 | 1): Known => ({
  things: disk,
  figure: `${kind}_sectors`,
  isByDisk: true,
  stateOf: (value) => (value > 0 ? state : 0),
  textOf: (value) => (value > 0 ? `${value} ${kind} sectors` : null),
});

/** The bits of Critical Warning in the SMART log of the NVM Express Base Specification. */
const nvmeBits = ['little spare', 'too hot', 'degraded', 'read-only', 'backup failed', 'persistent memory read-only'];

const nvmeWarnings: Known = {
  things: disk,
  figure: 'nvme_warnings',
  stateOf: (value) => (value > 0 ? 2 : 0),
  textOf: (value) => {
    const words = nvmeBits.filter((_, bit) => (Math.floor(value / 2 ** bit) & 1) === 1).join(', ');
    return value > 0 ? `critical warning ${value}${words && `: ${words}`}` : null;
  },
};

/** Returns a metric whose samples are fine at 0 and have the given state otherwise. */
const faultOf = (things: Known['things'], figure: string, state: 0 | 1 | 2, words: string): Known => ({
  things,
  figure,
  stateOf: (value) => (value > 0 ? state : 0),
  textOf: (value) => (value > 0 ? words.replace('N', String(value)) : null),
});

/** Returns a metric whose samples are fine above 0 and have the given state otherwise. */
const lackOf = (things: Known['things'], figure: string | null, state: 0 | 1 | 2, words: string): Known => ({
  things,
  figure,
  isCount: true,
  stateOf: (value) => (value > 0 ? 0 : state),
  textOf: (value) => (value > 0 ? null : words),
});

/**
 * The temperature from which a sensor of any part is too hot. ipmitool's script omits the limits of the BMC for each
 * sensor.
 */
const hotCelsius = 95;
const tooHotCelsius = 105;

/**
 * Names of the health of disks without SMART, such as volumes of controllers and guests, and of NVMe disks, whose SMART
 * smartmon.sh never finds. That program counts a missing answer as 0.
 */
const [unansweredHealth, noHealth] = ['smartmon_device_smart_healthy_unanswered', 'smartmon_device_smart_healthy_none'];

/** The metrics of Debian's prometheus-node-exporter-collectors, in the order of their figures. */
const knownMetrics: ReadonlyMap<string, Known> = new Map([
  ['smartmon_device_smart_healthy', lackOf(disk, null, 2, 'SMART: failing')],
  [unansweredHealth, lackOf(disk, null, 2, 'SMART: failing, or smartctl had no answer')],
  [noHealth, lackOf(disk, null, 0, 'has no SMART')],
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
      things: disk,
      figure: 'nvme_used',
      unit: 'ratio',
      isHighest: true,
      stateOf: (value) => (value >= 1 ? 2 : value >= 0.9 ? 1 : 0),
      textOf: (value) => (value >= 0.9 ? `${Math.round(value * 100)} % of its life used` : null),
    },
  ],
  ['nvme_media_errors_total', { ...faultOf(disk, 'nvme_media_errors', 0, 'N media errors'), isByDisk: true }],
  ['megaraid_failed', faultOf(raid, 'failed_controllers', 2, 'the controller has failed')],
  ['megaraid_degraded', faultOf(raid, 'degraded_controllers', 2, 'an array is degraded')],
  ['megaraid_healthy', lackOf(raid, null, 1, 'not optimal')],
  ['megaraid_battery_backup_healthy', lackOf(raid, 'bad_batteries', 0, 'no healthy battery')],
  ['megaraid_pd_smart_alerted', faultOf(raid, 'raid_smart_alerts', 2, 'SMART: failing')],
  ['megaraid_pd_predictive_errors', faultOf(raid, 'raid_predictive_errors', 1, 'N predicted failures')],
  ['megaraid_pd_media_errors', { ...faultOf(raid, 'raid_media_errors', 0, 'N media errors'), isByDisk: true }],
  ['node_ipmi_chassis_fault', faultOf(sensor, 'chassis_faults', 2, 'fault')],
  [
    'node_ipmi_sensor_state',
    {
      things: sensor,
      figure: 'bad_sensors',
      isCount: true,
      mayLack: true,
      stateOf: (value) => (value >= 2 ? 2 : value >= 1 ? 1 : 0),
      textOf: (value) => (value > 0 ? `beyond ${value >= 2 ? 'a critical' : 'a'} limit` : null),
    },
  ],
  ['node_ipmi_speed_rpm', lackOf(sensor, 'stopped_fans', 1, 'the fan stands still')],
  [
    'node_ipmi_temperature_celsius',
    {
      things: sensor,
      figure: 'hot_sensors',
      isCount: true,
      stateOf: (value) => (value >= tooHotCelsius ? 2 : value >= hotCelsius ? 1 : 0),
      textOf: (value) => (value >= hotCelsius ? `${value} °C` : null),
    },
  ],
  [
    'apt_upgrades_pending',
    {
      things: origin,
      figure: 'upgrades',
      stateOf: () => 0,
      textOf: (value) => (value > 0 ? `${value} upgrades pending` : null),
      part: { figure: 'security_upgrades', isOf: (subject) => /security/i.test(subject) },
    },
  ],
  // Debian 13 omits that metric if nothing is pending, and always writes this one, which counts as no upgrade.
  [
    'apt_autoremove_pending',
    {
      things: origin,
      figure: 'upgrades',
      isCount: true,
      stateOf: () => 0,
      textOf: () => null,
      part: { figure: 'security_upgrades', isOf: () => false },
    },
  ],
]);

/** The labels that make a thing, by metric. */
export const thingsOf: ReadonlyMap<string, readonly string[]> = new Map(
  [...knownMetrics].map(([metric, { things }]) => [metric, things]),
);

/** The unit of each figure, in their order. */
const figureUnits = new Map(
  [...knownMetrics.values()].flatMap(({ figure, unit, part }) =>
    [figure, part?.figure].flatMap((label) => (typeof label === 'string' ? [[label, unit] as const] : [])),
  ),
);

/**
 * Returns a result for the folder, and one for each file. A stale file is WARNING, a faulty one UNKNOWN. Lines that
 * begin with `+` are samples that the folder's line requests. Omits the last line of a full output.
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
    const sample = parseSample(line.replace(/(?<=[\s}])0x[\da-f]{1,8}(?=\s*$)/i, (digits) => String(Number(digits))));
    if (key === 'stale') staleSeconds = Number(value);
    else if (key === 'file') {
      const [, age = NaN, name = ''] = /^(-?\d+) (.*)\.prom$/.exec(value) ?? [];
      files.push({ name, ageSeconds: Number(age), faults: [], samples: [] });
    } else if (key === 'fault') (file?.faults ?? faults).push(value);
    else if (sample !== null) file?.samples.push(sample);
    else if (line !== '') (file?.faults ?? faults).push('a line that is no sample, or more than a result holds');
  }
  if (files.length === 0 && faults.length === 0) faults.push('no *.prom file');
  const count = `${files.length} ${files.length === 1 ? 'file' : 'files'}`;
  const isFull = Buffer.byteLength(output) > maxLongOutputBytes - 100;
  const samples = (isFull ? wanted.slice(0, -1) : wanted).filter((sample) => sample !== null);
  const taken = isFull && samples.length > 0 ? `, and more samples than the ${samples.length} that a result holds` : '';
  const folder = {
    name: '',
    state: faults.length > 0 ? 3 : 0,
    text: [faults[0] ?? count + taken, ...repeatedSamples(samples)].join('\n'),
    figures: [],
    samples,
  } as const;
  return [folder, ...files.map((file) => resultOf(file, staleSeconds))];
}

/** A sample of a known metric with the name of its thing. */
interface KnownSample {
  readonly metric: string;
  readonly known: Known;
  readonly subject: string;
  readonly value: number;
}

/**
 * Returns the samples of known metrics. Things that share a name have their labels that differ behind it, and samples
 * that share all labels their number, with a fault: one of them hides another for every reader of the file.
 */
function knownSamples(samples: readonly PromSample[], faults: string[]): readonly KnownSample[] {
  /** The number of samples of a metric and a short name, and of those among them with a label and its value. */
  const counts = new Map<string, number>();
  const count = (key: string): number => {
    const counted = (counts.get(key) ?? 0) + 1;
    counts.set(key, counted);
    return counted;
  };
  const withoutSmart = new Set(
    samples.flatMap(({ metric, labels, value }) =>
      metric === 'smartmon_device_smart_available' && value === 0 ? JSON.stringify(labels) : [],
    ),
  );
  const found = samples.flatMap((sample) => {
    const metric = knownName(sample, withoutSmart.has(JSON.stringify(sample.labels)));
    const known = knownMetrics.get(metric);
    if (known === undefined) return [];
    const short = subjectOf(sample.labels, known.things);
    const key = `${metric}\0${short}`;
    count(key);
    for (const [name, value] of sample.labels) count(`${key}\0${name}\0${value}`);
    return [{ ...sample, metric, known, short, key }];
  });
  const named = found.map(({ metric, known, short, key, labels, value }) => {
    const isShared = (name: string, of: string): boolean => counts.get(`${key}\0${name}\0${of}`) === counts.get(key);
    const differing = labels.flatMap(([name, of]) => (isShared(name, of) ? [] : `${name}=${of}`));
    const whole = [short, ...differing].join(' ');
    const nth = count(`=${metric}\0${whole}`);
    if (nth === 2) faults.push(`${metric} of ${whole} stands there more than once`);
    return { metric, known, value, subject: known.things === origin ? short : nth === 1 ? whole : `${whole} (${nth})` };
  });
  return summed(named);
}

/** Returns the samples with the sum of those that count the updates of one origin. */
function summed(samples: readonly KnownSample[]): readonly KnownSample[] {
  const sums = new Map<string, KnownSample>();
  for (const [at, sample] of samples.entries()) {
    const { metric, known, subject, value } = sample;
    const key = known.things === origin ? `${metric} ${subject}` : `#${at}`;
    sums.set(key, { ...sample, value: (sums.get(key)?.value ?? 0) + value });
  }
  return [...sums.values()];
}

/** Returns the name of a metric; that of smartmon.sh for an attribute of smartmon.py, which has its name as a label. */
function knownName({ metric, labels, value }: PromSample, lacksSmart: boolean): string {
  if (lacksSmart && metric === 'smartmon_device_smart_healthy' && value === 0) {
    const isNvme = labels.some(([name, of]) => name === 'type' && of.startsWith('nvme'));
    return isNvme ? unansweredHealth : noHealth;
  }
  const [, attribute] = labels.find(([name]) => name === 'name') ?? [];
  return metric === 'smartmon_attr_raw_value' && attribute !== undefined ? `smartmon_${attribute}_raw_value` : metric;
}

function resultOf({ name, ageSeconds, faults, samples }: Textfile, staleSeconds: number): TextfileResult {
  const remarks: string[] = [];
  const sums = new Map<string, number>();
  const disks = new Map<string, Figure[]>();
  let worst: 0 | 1 | 2 = 0;
  const found = knownSamples(samples, faults);
  const isLacking = ({ known, value }: KnownSample): boolean =>
    known.mayLack === true && Number.isNaN(value) && found.some((one) => one.known === known && one.value >= 0);
  for (const { known, subject, value } of found.filter((sample) => !isLacking(sample))) {
    const state = Number.isNaN(value) ? 0 : known.stateOf(value);
    if (state > worst) worst = state;
    const words = Number.isNaN(value) ? null : known.textOf(value);
    if (words !== null) remarks.push(`${subject}: ${words}`);
    const { figure, part } = known;
    const isNeeded = [0, 1, hotCelsius].some((one) => known.stateOf(one) > 0);
    if (Number.isNaN(value) && isNeeded) faults.push(`${subject}: ${figure ?? 'its health'} is unknown`);
    if (figure === null) continue;
    if (known.isByDisk === true) {
      const own = plainFigure(`${figure} ${subject}`, value);
      disks.set(subject, [...(disks.get(subject) ?? []), own]);
    }
    // The unknown value of a disk hides no other one.
    if (known.isByDisk === true && Number.isNaN(value) && sums.has(figure)) continue;
    const before = sums.get(figure) ?? 0;
    const sum = known.isByDisk === true && Number.isNaN(before) ? 0 : before;
    const counted = known.isCount === true && !Number.isNaN(value) ? Number(words !== null) : value;
    sums.set(figure, known.isHighest === true ? Math.max(sum, value) : sum + counted);
    if (part !== undefined) sums.set(part.figure, (sums.get(part.figure) ?? 0) + (part.isOf(subject) ? value : 0));
  }
  const isStale = !(ageSeconds <= staleSeconds);
  const state = worst === 2 ? 2 : faults.length > 0 ? 3 : isStale ? 1 : worst;
  const lines = [...faults, ...(isStale ? [`not written for ${ageSeconds} s`] : []), ...remarks];
  const figures = [...figureUnits].flatMap(([label, unit]) => {
    const sum = sums.get(label);
    return sum === undefined ? [] : [plainFigure(label, sum, unit)];
  });
  return {
    name,
    state,
    text: lines.length === 0 ? `written ${ageSeconds} s ago` : lines.join('\n'),
    figures: [plainFigure('age', ageSeconds, 'seconds'), ...figures, ...[...disks.values()].flatMap(toldFigures)],
    samples: [],
  };
}

/** Returns the figures of a disk that are not 0; one of them if all are, so that the disk is known. */
function toldFigures(figures: readonly Figure[]): readonly Figure[] {
  const told = figures.filter(({ value }) => value !== 0);
  return told.length > 0 ? told : figures.slice(0, 1);
}

/**
 * Returns the name of a thing: its disk, sensor or origin; for a controller in storcli's form: `/c0/e252/s4`. A disk
 * behind a controller shares its device node with others: its number there follows.
 */
function subjectOf(labels: PromSample['labels'], things: Known['things']): string {
  const own = labels.filter(([name]) => things.includes(name));
  if (things === raid) return own.map(([name, value]) => `/${name.charAt(0)}${value}`).join('') || 'all';
  const [[main, subject] = [], ...others] = own.filter(([name]) => name !== 'type' && name !== 'id');
  const numbers = own.filter(([name, value]) => name === 'type' && value.includes(','));
  const slots = others.filter(([name, value]) => main === 'device' && name === 'disk' && value !== '0');
  return [subject ?? 'all', ...[...slots, ...numbers].map(([, value]) => value)].join(' ');
}
