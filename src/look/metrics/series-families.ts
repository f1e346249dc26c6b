/** The families of series: figures of checks, and samples of textfiles and programs under names of their own. */
import type { FamilyGroup } from '../../config/config.ts';
import type { StoredSeries } from '../../storage/store/look-store.ts';
import type { FamilyBase, Labels } from './figures.ts';

/** A family whose labels the clients choose. */
export interface ValueFamily extends FamilyBase {
  readonly kind: 'value';
}

/** The family of the figures of checks. */
export const checkValues: ValueFamily = {
  kind: 'value',
  group: 'check',
  name: 'check_value',
  type: 'gauge',
  unit: null,
  help: 'A figure of the newest result of a check, in seconds, bytes, percent or counts; label is the name it gives.',
  labels: ['client', 'check', 'label'],
};

/** The family of all samples of textfiles and programs. */
export const seriesValues: ValueFamily = {
  kind: 'value',
  group: 'series',
  name: 'series_value',
  type: 'gauge',
  unit: null,
  help: 'A sample of a textfile or of a program that prints samples, under its metric and with its own labels.',
  labels: ['client', 'metric', '...'],
};

/** Returns the families of these groups whose history is stored as series. */
export function seriesFamilies(groups: readonly FamilyGroup[]): readonly ValueFamily[] {
  return [checkValues, seriesValues].filter(({ group }) => groups.includes(group));
}

/** Returns the labels of a series within its family; null if the series belongs to another family. */
export function seriesLabels({ name }: ValueFamily, client: string, series: StoredSeries): Labels | null {
  const { metric, labels } = series;
  const own = ownLabels(labels);
  // The names of figures contain a blank; the names of samples do not.
  const isFigure = metric.includes(' ');
  if (isFigure !== (name === checkValues.name)) return null;
  if (!isFigure) return { client, metric, ...exported(own) };
  const { check, label } = own;
  return check === undefined || label === undefined ? null : { client, check, label };
}

/** True if the series is exported. Rates are not, because Prometheus computes them itself. */
export function isExported({ unit }: StoredSeries): boolean {
  return unit !== 'per_second';
}

const taken: ReadonlySet<string> = new Set(['client', 'metric', 'resolution']);

/**
 * Renames labels whose names Prometheus or this program uses, as Prometheus renames such labels of a target. Other
 * characters than those of older versions of Prometheus become underscores.
 */
function exported(labels: Labels): Labels {
  const names = new Set(Object.keys(labels));
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => {
      const plain = name.replaceAll(/^(?=\d)|\W/g, '_');
      let free = plain;
      while (taken.has(free) || free.startsWith('__') || (free !== name && names.has(free))) free = `exported_${free}`;
      names.add(free);
      return [free, value];
    }),
  );
}

/** Reads the column `labels`. */
export function ownLabels(json: string): Labels {
  let read: unknown;
  try {
    read = JSON.parse(json);
  } catch {
    return {};
  }
  return Object.fromEntries(
    Object.entries(read ?? {}).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value] as const] : [])),
  );
}
