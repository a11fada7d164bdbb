/** The owner of the runs of all clients of the one user at this machine, and of the command line. */
export const USER_OF_THIS_MACHINE = 'user';
