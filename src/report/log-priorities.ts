/** The priorities of syslog, by their number. */
export const logPriorities: readonly string[] = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'];
