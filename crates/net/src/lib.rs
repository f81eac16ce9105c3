//! The one way out: address policy, pinned DNS answers, budgets, no redirects.
