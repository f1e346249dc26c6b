import type { CheckOutcome } from './perfdata.ts';

/** The newest earlier result of a check with figures. */
export interface EarlierResult {
  /** The figures by label; null if the check has no earlier result. */
  readonly figures: ReadonlyMap<string, number | null> | null;
  /** True if the result is of the client's report before this one, false if that report lacks the check. */
  readonly isOfLastReport: boolean;
  /** True if this report is the client's first one. */
  readonly isFirstReport: boolean;
}

/** The files of one device, and what is known of it from earlier reports. */
export interface Device {
  readonly name: string;
  /** Returns the first line of a file; '' if it could not be read. */
  readonly read: (file: string) => string;
  /** Returns the lines of the files whose names match, with the part of the name that the group captures. */
  readonly matching: (pattern: RegExp) => readonly (readonly [name: string, line: string])[];
  /** Returns the earlier result. Devices without a fault do not ask for it. */
  readonly earlier: () => EarlierResult;
  /** The time of the report. */
  readonly nowMs: number;
}

/** Evaluates a device. Returns null if there is nothing to check, and undefined if nothing can be read. */
export type DeviceParser = (device: Device) => CheckOutcome | null | undefined;

/** Returns a whole number; NaN for any other text. */
export function countIn(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : NaN;
}
