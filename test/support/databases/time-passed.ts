/** Statements after which leases, claims and pauses have ended, as after an hour. */
export const timePassed = [
  "UPDATE leases SET touched_at = '2020-01-01 00:00:00.000'",
  `UPDATE mails SET claimed_until = '2020-01-01 00:00:00.000', next_attempt_at = NULL
    WHERE sent_at IS NULL AND failed_at IS NULL`,
];
