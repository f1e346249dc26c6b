/** The library for facts of other systems and of hardware. Its functions start programs of the system and may hang. */
export { default as information } from 'systeminformation';
