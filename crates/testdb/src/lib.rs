//! Throwaway PostgreSQL servers for tests, each on a private socket.
