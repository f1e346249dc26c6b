import type { outlierMetricNames } from '../config/vocabulary/rule-types.ts';

/** A figure of which members of a group are compared. */
export interface OutlierMetric {
  readonly name: OutlierMetricName;
  readonly unit: 'percent' | 'load' | 'count' | 'celsius' | 'bytes_per_second';
  /** The least spread of a group, in the unit: members that are nearly equal have no outliers by noise. */
  readonly leastMad: number;
  /** The least distance from the median, in the unit: smaller distances are harmless. */
  readonly leastDistance: number;
}

export type OutlierMetricName = (typeof outlierMetricNames)[number];

export const outlierMetrics: readonly OutlierMetric[] = [
  { name: 'cpu', unit: 'percent', leastMad: 1, leastDistance: 20 },
  { name: 'memory', unit: 'percent', leastMad: 1, leastDistance: 15 },
  { name: 'load', unit: 'load', leastMad: 0.05, leastDistance: 0.5 },
  { name: 'swap', unit: 'percent', leastMad: 1, leastDistance: 15 },
  { name: 'processes', unit: 'count', leastMad: 5, leastDistance: 100 },
  { name: 'temperature', unit: 'celsius', leastMad: 2, leastDistance: 15 },
  { name: 'mount', unit: 'percent', leastMad: 1, leastDistance: 15 },
  { name: 'received', unit: 'bytes_per_second', leastMad: 64 * 1024, leastDistance: 2 ** 20 },
  { name: 'sent', unit: 'bytes_per_second', leastMad: 64 * 1024, leastDistance: 2 ** 20 },
];
