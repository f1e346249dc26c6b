/**
 * The limits of a report. Parsing refuses a report beyond them; the columns of storage have these widths.
 *
 * Chars are UTF-16 units, of which a text never has fewer than a database counts characters; bytes are UTF-8.
 */

/** A whole report, opened. */
export const maxReportBytes = 1024 * 1024;
/** Objects and arrays inside each other. */
export const maxReportDepth = 16;

export const maxClientBytes = 128;
/** The name of a probe, a family or a field. */
export const maxNameChars = 64;
/** Any string in a row: mount, interface, unit, kernel ... */
export const maxLabelChars = 255;
export const maxBootIdChars = 64;
export const maxVersionChars = 64;
/** WorkerReport.error and Unknown.reason. */
export const maxReasonChars = 255;

export const maxWorkerReports = 64;
/** The function reports of one worker report. */
export const maxFunctionReports = 64;
/** The subjects of a family that an agent reports. It counts the rest. */
export const maxSubjects = 200;
/** The rows of one function report: more than an agent sends today, for a newer agent may send more. */
export const maxRows = 1000;
export const maxFieldsPerRow = 64;
/** The unknown entries of one function report. */
export const maxUnknowns = 5000;
/** The implausible values of one report. A report with more of them is not worth believing. */
export const maxDoubts = 1000;
