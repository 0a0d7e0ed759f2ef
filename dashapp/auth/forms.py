"""The forms of the account pages. What needs the database is checked by `accounts`; here only shape."""

from flask_wtf import FlaskForm
from wtforms import BooleanField, PasswordField, SelectField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from core.currencies import CURRENCIES
from core.locales import LOCALES
from dashapp.auth.accounts import NAME_LENGTH, THEMES, UPDOWNS
from dashapp.auth.passwords import LONGEST

THEME_WORDS = {"dark": "Dark", "light": "Light", "system": "As the system"}
UPDOWN_WORDS = {
    "teal-vermillion": "Teal and vermillion",
    "blue-orange": "Blue and orange",
    "green-red": "Green and red",
}
LONG = Length(max=LONGEST, message=f"That is longer than {LONGEST:,} characters.")


class SignInForm(FlaskForm):
    email = StringField("E-mail", [InputRequired("Enter your e-mail address."), Length(max=254)])
    password = PasswordField("Password", [InputRequired("Enter your password."), LONG])


class OwnerForm(FlaskForm):
    code = StringField("Setup code", [InputRequired("Enter the code that the server printed."), Length(max=40)])
    email = StringField("E-mail", [InputRequired("Enter your e-mail address."), Length(max=254)])
    display_name = StringField("Display name, optional", [Length(max=NAME_LENGTH)])
    password = PasswordField("Password", [InputRequired("Choose a password."), LONG])
    repeat = PasswordField("Repeat password", [EqualTo("password", "The two passwords differ.")])


class RegisterForm(FlaskForm):
    email = StringField("E-mail", [InputRequired("Enter your e-mail address."), Length(max=254)])
    display_name = StringField("Display name, optional", [Length(max=NAME_LENGTH)])
    password = PasswordField("Password", [InputRequired("Choose a password."), LONG])
    repeat = PasswordField("Repeat password", [EqualTo("password", "The two passwords differ.")])


class ResetForm(FlaskForm):
    password = PasswordField("New password", [InputRequired("Choose a password."), LONG])
    repeat = PasswordField("Repeat new password", [EqualTo("password", "The two passwords differ.")])


class ProfileForm(FlaskForm):
    display_name = StringField("Display name", [Length(max=NAME_LENGTH)])
    theme = SelectField("Theme", choices=[(t, THEME_WORDS[t]) for t in THEMES])
    updown = SelectField("Colours of up and down", choices=[(u, UPDOWN_WORDS[u]) for u in UPDOWNS])
    time_zone = StringField("Time zone", [Length(max=60)])
    locale = SelectField("Numbers and dates", choices=[(one.tag, one.title) for one in LOCALES.values()])
    currency = SelectField("Currency", choices=[(one.code, f"{one.title}, {one.code}") for one in CURRENCIES.values()])
    notify_sign_in = BooleanField("A letter when a browser signs in that was not here before")


class PasswordForm(FlaskForm):
    current = PasswordField("Current password", [InputRequired("Enter your current password."), LONG])
    password = PasswordField("New password", [InputRequired("Choose a password."), LONG])
    repeat = PasswordField("Repeat new password", [EqualTo("password", "The two passwords differ.")])


class CodeForm(FlaskForm):
    code = StringField("Code", [InputRequired("Enter the code."), Length(max=40)])


class ProofForm(FlaskForm):
    """For what can't be undone."""

    current = PasswordField("Current password", [InputRequired("Enter your current password."), LONG])


class PasskeyForm(ProofForm):
    label = StringField("Name of the device", [InputRequired("Name the device."), Length(max=60)])


class AddressForm(ProofForm):
    email = StringField("New e-mail", [InputRequired("Enter the new address."), Length(max=254)])


class ForgotForm(FlaskForm):
    email = StringField("E-mail", [InputRequired("Enter your e-mail address."), Length(max=254)])


class RemovalForm(ProofForm):
    email = StringField("Your e-mail, to confirm", [InputRequired("Enter your e-mail address."), Length(max=254)])


class ConfirmForm(FlaskForm):
    """A button and its token."""
