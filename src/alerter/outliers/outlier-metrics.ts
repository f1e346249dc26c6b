import type { outlierMetricNames } from '../../config/vocabulary/rule-types.ts';

/** A figure of which members of a group are compared. */
export interface OutlierMetric {
  readonly name: OutlierMetricName;
  readonly unit: 'percent' | 'load' | 'count' | 'celsius' | 'bytes_per_second';
  /** The least spread of a group, in the unit: members that are nearly equal have no outliers by noise. */
  readonly minMad: number;
  /** The least distance from the median, in the unit: smaller distances are harmless. */
  readonly minDistance: number;
}

export type OutlierMetricName = (typeof outlierMetricNames)[number];

export const outlierMetrics: readonly OutlierMetric[] = [
  { name: 'cpu', unit: 'percent', minMad: 1, minDistance: 20 },
  { name: 'memory', unit: 'percent', minMad: 1, minDistance: 15 },
  { name: 'load', unit: 'load', minMad: 0.05, minDistance: 0.5 },
  { name: 'swap', unit: 'percent', minMad: 1, minDistance: 15 },
  { name: 'processes', unit: 'count', minMad: 5, minDistance: 100 },
  { name: 'temperature', unit: 'celsius', minMad: 2, minDistance: 15 },
  { name: 'mount', unit: 'percent', minMad: 1, minDistance: 15 },
  { name: 'received', unit: 'bytes_per_second', minMad: 64 * 1024, minDistance: 2 ** 20 },
  { name: 'sent', unit: 'bytes_per_second', minMad: 64 * 1024, minDistance: 2 ** 20 },
];
