//! The WhatsApp side: Meta's contract, the Cloud client, the simulated Meta.
