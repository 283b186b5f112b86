//! Rounds: who may send what when, and who may end them.

use pqfw_qflare::state::{Event, Lease, ModelName, Phase, State, StateError};

use crate::support::{NOW, each_kind, enrol, id, terms, update};

fn begin(state: &State) {
    for device in ["a", "b", "c"] {
        enrol(state, device);
    }
    state.set_model(NOW, b"first model").unwrap();
    state.set_terms(NOW, &terms("median")).unwrap();
    assert_eq!(state.open_round(NOW), Ok(1));
}

#[test]
fn a_round_is_taken_by_the_terms_that_were_set_last_and_never_without_any() {
    each_kind(|state, _| {
        state.set_model(NOW, b"first model").unwrap();
        state.open_round(NOW).unwrap();
        assert_eq!(
            state.take_round(NOW, NOW + 60),
            Err(StateError::NoTerms),
            "no server has begun"
        );
        let (median, mean) = (terms("median"), terms("fedavg"));
        assert_eq!(state.set_terms(NOW, &median), Ok(None));
        assert_eq!(state.set_terms(NOW, &mean), Ok(Some(median)));
        let entries = state.head().unwrap().entries;
        assert_eq!(state.set_terms(NOW, &mean), Ok(Some(mean.clone())));
        assert_eq!(
            state.head().unwrap().entries,
            entries,
            "nothing has changed"
        );
        let page = state.audit_from(entries - 1, 1).unwrap();
        let set = Event::TermsSet {
            terms: mean.clone(),
        };
        assert_eq!(page[0].1.event, set);
        assert_eq!(state.take_round(NOW, NOW + 60).unwrap().1, mean);
    });
}

#[test]
fn a_round_goes_from_one_model_to_the_next() {
    each_kind(|state, _| {
        assert_eq!(state.open_round(NOW), Err(StateError::NoModel));
        assert_eq!(state.take_round(NOW, NOW + 60), Err(StateError::NoRound));
        begin(state);
        for device in ["b", "a"] {
            state
                .submit(NOW, &update(state, device, device.as_bytes()))
                .unwrap();
        }
        let (lease, _) = state.take_round(NOW, NOW + 60).unwrap();
        let updates = state.updates(1).unwrap();
        let devices: Vec<_> = updates.iter().map(|(device, _)| device.as_str()).collect();
        assert_eq!(devices, ["a", "b"]);
        assert_eq!(updates[0].1.receipt.weights, b"a");

        let verdicts = [
            (id("a"), "used".to_owned()),
            (id("b"), "not_selected".to_owned()),
        ];
        let model = state
            .close_round(NOW, lease, b"second model", &verdicts)
            .unwrap();
        let expected = ModelName {
            round: 1,
            hash: b"second model".to_vec(),
        };
        assert_eq!(model, expected);
        assert_eq!(state.head().unwrap().model, Some(model));
        assert_eq!(state.round(1).unwrap().unwrap().phase, Phase::Closed);
        assert_eq!(state.abort_round(NOW, "late"), Err(StateError::NoRound));
        assert_eq!(state.take_round(NOW, NOW + 60), Err(StateError::NoRound));
        assert_eq!(state.open_round(NOW), Ok(2));
        assert_eq!(state.updates(2), Ok(Vec::new()));
        assert_eq!(state.updates(0), Ok(Vec::new()));
    });
}

#[test]
fn the_same_update_has_the_same_receipt_and_another_is_refused() {
    each_kind(|state, _| {
        begin(state);
        let new = update(state, "a", b"weights");
        let receipt = state.submit(NOW, &new).unwrap();
        let entries = state.head().unwrap().entries;
        assert_eq!(receipt.entry, entries - 1);
        assert_eq!(state.submit(NOW + 5, &new), Ok(receipt.clone()));
        let other = update(state, "a", b"other weights");
        assert_eq!(state.submit(NOW, &other), Err(StateError::AlreadySubmitted));
        // Its receipt outlives the round.
        let (lease, _) = state.take_round(NOW, NOW + 60).unwrap();
        state.close_round(NOW, lease, b"next", &[]).unwrap();
        assert_eq!(state.submit(NOW + 9, &new), Ok(receipt));
        assert_eq!(state.updates(1).unwrap().len(), 1);
    });
}

#[test]
fn what_is_stale_or_of_nobody_is_refused_and_leaves_nothing() {
    each_kind(|state, _| {
        begin(state);
        let new = update(state, "a", b"weights");
        let stale = |phase| Err(StateError::Stale { round: 1, phase });
        let entries = state.head().unwrap().entries;
        for round in [0, 2, u64::MAX] {
            let mut other = new.clone();
            other.round = round;
            assert_eq!(state.submit(NOW, &other), stale("open"));
        }
        let mut other = new.clone();
        other.base = b"another model".to_vec();
        assert_eq!(state.submit(NOW, &other), stale("open"));
        other = new.clone();
        other.device = id("nobody");
        assert_eq!(state.submit(NOW, &other), Err(StateError::UnknownDevice));
        assert_eq!(state.head().unwrap().entries, entries);

        state.revoke_device(NOW, &id("c")).unwrap();
        other.device = id("c");
        assert_eq!(state.submit(NOW, &other), Err(StateError::Revoked));

        let (lease, _) = state.take_round(NOW, NOW + 60).unwrap();
        assert_eq!(state.submit(NOW, &new), stale("being aggregated"));
        state.release_round(NOW, lease).unwrap();
        state.submit(NOW, &new).unwrap();
        state.abort_round(NOW, "enough").unwrap();
        let late = update(state, "b", b"weights");
        assert_eq!(state.submit(NOW, &late), stale("aborted"));
        assert_eq!(state.updates(1).unwrap().len(), 1);
    });
}

#[test]
fn one_server_aggregates_and_one_that_was_slow_changes_nothing() {
    each_kind(|state, _| {
        begin(state);
        let (slow, _) = state.take_round(NOW, NOW + 60).unwrap();
        let until = NOW + 60;
        assert_eq!(
            state.take_round(NOW + 59, NOW + 99),
            Err(StateError::Leased { until })
        );
        let (next, _) = state.take_round(NOW + 60, NOW + 99).unwrap();
        assert_eq!((slow.fence, next.fence), (1, 2));
        let lost = Err(StateError::LeaseLost);
        assert_eq!(state.close_round(NOW, slow, b"slow", &[]).map(drop), lost);
        assert_eq!(state.release_round(NOW, slow), lost);
        let of_no_round = Lease { round: 9, ..next };
        assert_eq!(state.release_round(NOW, of_no_round), lost);

        // Open again, the round has no holder, and the next has a higher number.
        state.release_round(NOW, next).unwrap();
        assert_eq!(state.close_round(NOW, next, b"late", &[]).map(drop), lost);
        let (last, _) = state.take_round(NOW, NOW + 60).unwrap();
        assert_eq!(last.fence, 3);
        state.close_round(NOW, last, b"model", &[]).unwrap();
        assert_eq!(state.close_round(NOW, last, b"twice", &[]).map(drop), lost);
        assert_eq!(state.head().unwrap().model.unwrap().hash, b"model");
    });
}

#[test]
fn a_round_under_way_holds_the_model_and_the_next_round() {
    each_kind(|state, _| {
        begin(state);
        let under_way = StateError::RoundUnderWay(1);
        assert_eq!(state.open_round(NOW), Err(under_way.clone()));
        assert_eq!(
            state.set_model(NOW, b"other").map(drop),
            Err(under_way.clone())
        );
        state.take_round(NOW, NOW + 60).unwrap();
        assert_eq!(state.open_round(NOW), Err(under_way));
        state.abort_round(NOW, "no").unwrap();
        assert_eq!(state.head().unwrap().model.unwrap().hash, b"first model");
        state.set_model(NOW, b"other").unwrap();
        assert_eq!(state.open_round(NOW), Ok(2));
        assert_eq!(state.round(2).unwrap().unwrap().base.hash, b"other");
    });
}
