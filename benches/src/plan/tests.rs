use clap::Parser;
use proptest::prelude::*;

use super::costs::UnitCosts;
use super::*;

#[derive(Debug, Parser)]
struct Command {
    #[command(flatten)]
    options: Options,
}

fn options(arguments: &[&str]) -> Options {
    Command::try_parse_from(std::iter::once("plan").chain(arguments.iter().copied()))
        .expect("valid options")
        .options
}

fn assumptions() -> Assumptions {
    options(&["--online", "1"]).assumptions
}

fn unit() -> UnitCosts {
    costs::read(None).expect("the published costs are whole").0
}

fn sized(online: f64, of: &Assumptions) -> Sizing {
    sizing::size(&Demand::of(online, of), of, &unit())
}

#[test]
fn the_page_is_what_the_command_prints() {
    let page = include_str!("../../../docs/capacity.md");
    let command = page
        .lines()
        .find_map(|line| line.strip_prefix("oort-bench plan "))
        .expect("the page names the command that makes its table");
    let arguments: Vec<_> = command.split_whitespace().collect();
    let text = text(&options(&arguments)).expect("a plan");
    let made = report::between_markers(page, "plan", &text).expect("markers");
    assert_eq!(page, made, "run: cargo run -p oort-bench -- plan {command} --write docs/capacity.md");
}

#[test]
fn a_demand_is_simple_arithmetic() {
    let mut of = assumptions();
    (of.sends_per_user_day, of.peak_factor, of.fan_out_mean, of.devices) = (86.4, 2.0, 10.0, 1.5);
    (of.transient_per_send, of.heartbeat_s, of.lose, of.storm_s) = (0.0, 30.0, 0.5, 10.0);
    let demand = Demand::of(1e6, &of);
    assert!((demand.sends - 2000.0).abs() < 1e-6);
    assert!((demand.deliveries - 30_000.0).abs() < 1e-6);
    assert!((demand.heartbeats - 50_000.0).abs() < 1e-6);
    assert!((demand.connects - 75_000.0).abs() < 1e-6, "half of 1.5 M within 10 s");
}

#[test]
fn a_record_goes_to_no_more_comets_than_connections_or_comets() {
    let demand = Demand::of(1e6, &assumptions());
    assert!((demand.shares_per_record(1.0) - 1.0).abs() < 1e-9);
    assert!(demand.shares_per_record(5.0) < 5.0);
    assert!(demand.shares_per_record(5.0) > 4.0, "13 connections miss few of 5 comets");
    assert!((demand.shares_per_record(1e9) - demand.reach).abs() < 1e-3);
}

#[test]
fn every_fault_is_told_at_once() {
    let mut of = assumptions();
    (of.lose, of.fill, of.cores) = (1.0, 2.0, f64::NAN);
    assert_eq!(of.faults().len(), 3);
    assert!(assumptions().faults().is_empty());
    assert!(text(&options(&["--online", "0"])).is_err());
}

#[test]
fn costs_of_a_file_are_whole_and_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("costs.json");
    std::fs::write(
        &file,
        r#"{"comet_us_per_delivery": {"value": 1, "basis": "measured", "source": "here"}}"#,
    )
    .expect("writable");
    assert!(costs::read(Some(&file)).unwrap_err().to_string().contains("is missing"));
    let whole = include_str!("../../results/unit-costs.json").replacen(
        '{',
        r#"{"tea": {"value": 1, "basis": "goal", "source": ""},"#,
        1,
    );
    std::fs::write(&file, whole).expect("writable");
    assert!(costs::read(Some(&file)).unwrap_err().to_string().contains("tea"));
}

#[test]
fn the_fullest_ceiling_is_named_and_one_beyond_is_marked() {
    let text = text(&options(&["--online", "1000,1000000000", "--costs"])).expect("a plan");
    assert!(text.contains("**beyond**: "), "{text}");
    assert!(text.contains("| `comet_us_per_delivery` | 8.00 | measured |"), "{text}");
}

/// Assumptions with everything that a person may change somewhere in its range.
fn any_assumptions() -> impl Strategy<Value = Assumptions> {
    let people = (0.1..500.0, 1.0..10.0, 1.0..2000.0, 1.0..3.0, 0.0..5000.0, 0.0..5.0);
    let rest = (1.0..200.0, 0.0..0.7, 5.0..600.0, 1.0..3000.0, 1.0..128.0, 2.0..1024.0, 0.2..1.0);
    (people, rest).prop_map(|(people, rest)| {
        let mut of = assumptions();
        (
            of.sends_per_user_day,
            of.peak_factor,
            of.fan_out_mean,
            of.devices,
            of.message_bytes,
            of.transient_per_send,
        ) = people;
        (of.rooms_per_user, of.lose, of.storm_s, of.keep_days, of.cores, of.memory_gib, of.fill) = rest;
        of
    })
}

/// That every tier of `more` has at least as many nodes as in `less`.
fn no_fewer(less: &Sizing, more: &Sizing) -> Result<(), TestCaseError> {
    for (less, more) in less.tiers.iter().zip(&more.tiers) {
        prop_assert!(more.nodes >= less.nodes, "{}: {} after {}", less.name, more.nodes, less.nodes);
    }
    prop_assert!(more.partitions >= less.partitions);
    prop_assert!(more.streams >= less.streams);
    prop_assert!(more.store_tib >= less.store_tib);
    Ok(())
}

proptest! {
    #[test]
    fn more_users_never_need_less(of in any_assumptions(), online in 1.0..2e8, factor in 1.0..20.0) {
        no_fewer(&sized(online, &of), &sized(online * factor, &of))?;
    }

    #[test]
    fn more_sends_or_devices_never_need_less(of in any_assumptions(), online in 1.0..2e8, factor in 1.0..20.0) {
        let mut more = of.clone();
        more.sends_per_user_day *= factor;
        no_fewer(&sized(online, &of), &sized(online, &more))?;
        let mut more = of.clone();
        more.devices *= factor;
        no_fewer(&sized(online, &of), &sized(online, &more))?;
    }

    #[test]
    fn every_tier_carries_what_it_must(of in any_assumptions(), online in 1.0..2e8) {
        let sizing = sized(online, &of);
        for tier in &sizing.tiers {
            prop_assert!(tier.nodes.is_finite() && tier.nodes >= 1.0);
            for need in &tier.needs {
                prop_assert!(need.nodes <= tier.nodes + 1e-6, "{} {}", tier.name, need.resource);
            }
        }
    }
}
