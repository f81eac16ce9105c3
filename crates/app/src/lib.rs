//! The use cases and job handlers of Gatepost.
