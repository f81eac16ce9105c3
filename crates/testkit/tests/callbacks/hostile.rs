//! A customer who holds the secret of an app of its own, and means ill.
