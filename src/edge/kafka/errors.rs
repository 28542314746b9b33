//! librdkafka's errors, by what there is to do about them.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use crate::edge::ports::{Failure, Lost};

/// A call of the transactional producer failed.
pub(super) fn transaction(error: &KafkaError) -> Failure {
    let said = error.to_string();
    let (code, fatal, retriable, abort) = match error {
        KafkaError::Transaction(inner) => {
            (Some(inner.code()), inner.is_fatal(), inner.is_retriable(), inner.txn_requires_abort())
        }
        other => (other.rdkafka_error_code(), false, false, false),
    };
    if let Some(code) = code
        && let Some(failure) = by_code(code, &said)
    {
        return failure;
    }
    match (fatal, abort, retriable) {
        (true, _, _) => Failure::Fenced(said),
        (_, true, _) => Failure::Spoilt(said),
        (_, _, true) => Failure::Retriable(said),
        _ => Failure::Spoilt(said),
    }
}

/// What a code means whatever the flags say.
fn by_code(code: Code, said: &str) -> Option<Failure> {
    let said = said.to_owned();
    Some(match code {
        Code::IllegalGeneration | Code::RebalanceInProgress => Failure::Rejoining(said),
        Code::UnknownMemberId | Code::FencedInstanceId => Failure::NotMember(said),
        Code::MessageSizeTooLarge | Code::InvalidMessageSize => Failure::TooLarge(said),
        Code::Fenced
        | Code::InvalidProducerEpoch
        | Code::ProducerFenced
        | Code::TransactionCoordinatorFenced => Failure::Fenced(said),
        Code::OperationTimedOut
        | Code::RequestTimedOut
        | Code::MessageTimedOut
        | Code::BrokerTransportFailure => Failure::Unknown(said),
        Code::TransactionalIdAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed => Failure::Spoilt(format!("{said}: the rights are missing")),
        _ => return None,
    })
}

/// A record could not be delivered.
pub(super) fn delivery(code: Code) -> Failure {
    let said = format!("delivery failed: {code}");
    by_code(code, &said).unwrap_or(Failure::Spoilt(said))
}

/// Taking a new producer failed.
pub(super) fn renewal(error: &KafkaError) -> Failure {
    match transaction(error) {
        // The old transaction has not ended yet, or the coordinator is away.
        Failure::Unknown(said) | Failure::Rejoining(said) => Failure::Retriable(said),
        Failure::Spoilt(said) if !said.contains("rights are missing") => Failure::Retriable(said),
        other => other,
    }
}

/// Something could not be read or asked for.
pub(super) fn reading(doing: &str, error: &KafkaError) -> Lost {
    let said = format!("{doing}: {error}");
    match (error, error.rdkafka_error_code()) {
        (KafkaError::MessageConsumptionFatal(_), _) => Lost::Fatal(said),
        (
            _,
            Some(
                Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::SaslAuthenticationFailed
                | Code::Authentication,
            ),
        ) => Lost::Fatal(format!("{said}: `tidewatch doctor` says which rights are missing")),
        _ => Lost::NotYet(said),
    }
}
