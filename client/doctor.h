/*
 * doctor: `adit doctor`: looks at each thing that a tunnel needs, in the order
 * in which it is needed, and says what to do about what fails.
 */
#ifndef CLIENT_DOCTOR_H
#define CLIENT_DOCTOR_H

/* The words after the command; returns the exit status. */
int doctor_run(int argc, char *const *argv);

#endif
