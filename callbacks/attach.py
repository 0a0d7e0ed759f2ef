"""Every callbacks module, in one list. A new page adds its line here."""

from types import ModuleType

from dash import Dash

from callbacks import (
    admin,
    admin_audit,
    admin_invitations,
    admin_jobs,
    admin_models,
    admin_sessions,
    admin_settings,
    admin_users,
    candle_origin,
    chart_candle,
    chart_forming,
    chart_keep,
    charts,
    data_quality,
    leak_lab,
    market_search,
    markets,
    model_care,
    models,
    overview,
    prediction_moved,
    predictions,
    series_breaks,
    settled_calls,
    shell,
    training_form,
    training_plan,
)


def modules() -> tuple[ModuleType, ...]:
    """Each with its `wire`."""
    return (
        shell,
        overview,
        charts,
        chart_keep,
        chart_candle,
        chart_forming,
        markets,
        market_search,
        data_quality,
        candle_origin,
        series_breaks,
        predictions,
        prediction_moved,
        settled_calls,
        models,
        training_form,
        model_care,
        training_plan,
        leak_lab,
        admin,
        admin_jobs,
        admin_models,
        admin_users,
        admin_sessions,
        admin_invitations,
        admin_settings,
        admin_audit,
    )


def attach(app: Dash) -> None:
    """Give an app all callbacks."""
    for module in modules():
        module.wire.attach(app)
