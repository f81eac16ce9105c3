//! Every shape that Meta documents.
