/** The severity of a limit or an alert. */
export type Level = 'warning' | 'critical';
