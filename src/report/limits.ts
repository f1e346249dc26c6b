/**
 * The limits of a report. Parsing refuses a report beyond them; the columns of storage have these widths.
 * Chars are UTF-16 units; a text never has fewer of them than a database counts characters. Bytes are UTF-8.
 */

/** The most bytes of a whole report, opened. */
export const maxReportBytes = 1024 * 1024;
/** The deepest nesting of objects and arrays. */
export const maxReportDepth = 16;

export const maxClientBytes = 128;
/** The longest name of a probe, a family or a field. */
export const maxNameChars = 64;
/** The longest string in a row: mount, interface, unit, kernel ... */
export const maxLabelChars = 255;
export const maxBootIdChars = 64;
export const maxVersionChars = 64;
/** The longest WorkerReport.error and Unknown.reason. */
export const maxReasonChars = 255;

export const maxWorkerReports = 64;
/** The most function reports of one worker report. */
export const maxFunctionReports = 64;
/** The most subjects of a family that an agent reports. The agent counts the rest. */
export const maxSubjects = 200;
/** The most rows of one function report: more than an agent sends today, because a newer agent may send more. */
export const maxRows = 1000;
export const maxFieldsPerRow = 64;
/** The most unknown entries of one function report. */
export const maxUnknowns = 5000;
/** The most implausible values of one report. A report with more is refused. */
export const maxDoubts = 1000;
