/**
 * What a report may hold at most. Parsing refuses what is beyond; storage gives its columns these widths.
 *
 * Chars are UTF-16 units, of which a text never has fewer than a database counts characters; bytes are UTF-8.
 */

/** A whole report, opened. */
export const maxReportBytes = 1024 * 1024;
/** Objects and arrays inside each other. */
export const maxReportDepth = 16;

export const maxClientBytes = 128;
/** Of a probe, a family, a field. */
export const maxNameChars = 64;
/** Any string in a row: mount, interface, unit, kernel ... */
export const maxLabelChars = 255;
export const maxBootIdChars = 64;
export const maxVersionChars = 64;
/** WorkerReport.error and Unknown.reason. */
export const maxReasonChars = 255;

export const maxWorkerReports = 64;
/** Of one worker report. */
export const maxFunctionReports = 64;
/** An agent reports so many subjects of a family and counts the rest. */
export const maxSubjects = 200;
/** Of one function report: more than an agent sends today, for a newer one may send more. */
export const maxRows = 1000;
export const maxFieldsPerRow = 64;
/** Unknown entries of one function report. */
export const maxUnknowns = 5000;
/** Values out of any sense in one report; with more of them the rest is not worth believing. */
export const maxDoubts = 1000;
